/**
 * What a package publishes: each exported name of each entry of its `exports`, followed through re-exports and imports to
 * the file that declares it, with the docstring that stands there.
 */
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Comment, type Program, parseSync } from 'oxc-parser'

export interface PublicName {
  /** As whoever imports it knows it: `postern/sqlite`. */
  readonly entry: string
  /** `SqliteOptions`, or `SqliteOptions.path` for a member of it. */
  readonly name: string
  /** The text between the comment's marks, without its stars; undefined where there is none. */
  readonly docstring: string | undefined
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [name: string]: unknown
}

interface SourceFile {
  readonly path: string
  readonly code: string
  readonly program: Program
  readonly comments: readonly Comment[]
}

interface Member {
  readonly member: string
  readonly docstring: string | undefined
}

interface Declaration {
  readonly file: SourceFile
  /** All that declare the name: the overloads of a function, a type and a value of one name. */
  readonly statements: readonly Node[]
}

type Read = (path: string) => string

export interface Entry {
  readonly entry: string
  /** Its source. */
  readonly path: string
}

/** What of a package can be imported, but for data. */
export function entriesOf(folder: string): readonly Entry[] {
  const { name, exports } = JSON.parse(readText(join(folder, 'package.json'))) as {
    readonly name: string
    readonly exports: Readonly<Record<string, string | { readonly default: string }>>
  }
  return Object.entries(exports).flatMap(([entry, target]) => {
    const built = typeof target === 'string' ? target : target.default
    if (built.endsWith('.json')) return []
    const source = built.replace('./dist/', './src/').replace(/\.js$/, '.ts')
    return [{ entry: join(name, entry), path: resolve(folder, source) }]
  })
}

/** All that an entry exports, and the members of what of it is options. `read` gives the text of a file, by its path. */
export function publicNamesOf({ entry, path }: Entry, read: Read = readText): readonly PublicName[] {
  const files = new Files(read)
  return [...files.exportsOf(path)].flatMap(([name, declaration]) => [
    { entry, name, docstring: docstringOf(declaration) },
    // Of other types the type's own docstring speaks.
    ...(name.endsWith('Options') ? files.membersOf(declaration) : []).map(({ member, docstring }) => ({
      entry,
      name: `${name}.${member}`,
      docstring,
    })),
  ])
}

class Files {
  readonly #read: Read
  readonly #parsed = new Map<string, SourceFile>()

  constructor(read: Read) {
    this.#read = read
  }

  exportsOf(path: string): ReadonlyMap<string, Declaration> {
    const file = this.#parse(path)
    const found = new Map<string, Declaration>()
    for (const statement of statementsOf(file)) {
      for (const [name, declaration] of this.#exportedBy(file, statement)) found.set(name, declaration)
    }
    return found
  }

  /** The members of a type, and of the types that it extends. */
  membersOf({ file, statements }: Declaration): readonly Member[] {
    return statements.map(declaredBy).flatMap((node) => [
      ...signaturesIn(node['body'] ?? node['typeAnnotation']).map((signature) => ({
        member: textOf(signature['key']),
        docstring: docstringBefore(file, signature.start),
      })),
      ...namesIn(node['extends']).flatMap((base) => {
        const declaration = this.#findDeclaration(file, base)
        return declaration === undefined ? [] : this.membersOf(declaration)
      }),
    ])
  }

  #exportedBy(file: SourceFile, statement: Node): readonly (readonly [string, Declaration])[] {
    if (statement.type === 'ExportAllDeclaration') return [...this.exportsOf(targetOf(file, statement))]
    if (statement.type !== 'ExportNamedDeclaration') return []
    if (statement['declaration'] !== null) {
      return namesDeclaredBy(statement).map((name) => [name, this.#declarationOf(file, name)])
    }
    return (statement['specifiers'] as Node[]).map((specifier) => {
      const [local, exported] = [textOf(specifier['local']), textOf(specifier['exported'])]
      if (statement['source'] === null) return [exported, this.#declarationOf(file, local)]
      return [exported, this.#exportNamed(targetOf(file, statement), local)]
    })
  }

  #declarationOf(file: SourceFile, name: string): Declaration {
    const declaration = this.#findDeclaration(file, name)
    if (declaration === undefined) throw new Error(`${file.path} declares no ${name}`)
    return declaration
  }

  /** Of a name as this file knows it: its own, or one that it imports from another of our files. */
  #findDeclaration(file: SourceFile, name: string): Declaration | undefined {
    const statements = statementsOf(file)
    const own = statements.filter((statement) => namesDeclaredBy(statement).includes(name))
    if (own.length > 0) return { file, statements: own }
    for (const statement of statements.filter(isImportOfOurs)) {
      const specifier = (statement['specifiers'] as Node[]).find((each) => textOf(each['local']) === name)
      if (specifier !== undefined)
        return this.#exportNamed(targetOf(file, statement), textOf(specifier['imported']))
    }
    return undefined
  }

  #exportNamed(path: string, name: string): Declaration {
    const declaration = this.exportsOf(path).get(name)
    if (declaration === undefined) throw new Error(`${path} exports no ${name}`)
    return declaration
  }

  #parse(path: string): SourceFile {
    const known = this.#parsed.get(path)
    if (known !== undefined) return known
    const code = this.#read(path)
    const { program, comments, errors } = parseSync(path, code, { sourceType: 'module' })
    if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
    const file = { path, code, program, comments }
    this.#parsed.set(path, file)
    return file
  }
}

function statementsOf(file: SourceFile): readonly Node[] {
  return file.program.body as unknown as readonly Node[]
}

function isImportOfOurs({ type, source }: Node): boolean {
  return type === 'ImportDeclaration' && String((source as Node)['value']).startsWith('.')
}

function declaredBy(statement: Node): Node {
  return (statement['declaration'] ?? statement) as Node
}

function namesDeclaredBy(statement: Node): readonly string[] {
  const isBare = /^(Class|Function|Variable|TS\w+)Declaration$|^TSDeclareFunction$/.test(statement.type)
  if (!isBare && !(statement.type === 'ExportNamedDeclaration' && statement['declaration'] !== null))
    return []
  const declaration = declaredBy(statement)
  const holders = (declaration['declarations'] as Node[] | undefined) ?? [declaration]
  return holders.map((holder) => textOf(holder['id']))
}

function targetOf(file: SourceFile, statement: Node): string {
  const specifier = String((statement['source'] as Node)['value'])
  if (!specifier.startsWith('.')) throw new Error(`${file.path} publishes what is from ${specifier}`)
  return resolve(dirname(file.path), specifier)
}

function textOf(identifier: unknown): string {
  const { name, value } = identifier as { readonly name?: string; readonly value?: string }
  return name ?? value ?? ''
}

/** The first that there is: of overloads one speaks for all. */
function docstringOf({ file, statements }: Declaration): string | undefined {
  return statements.map(({ start }) => docstringBefore(file, start)).find((text) => text !== undefined)
}

/** The members that a type writes down itself, in whatever it is made of. */
function signaturesIn(value: unknown): readonly Node[] {
  if (Array.isArray(value)) return value.flatMap(signaturesIn)
  if (typeof value !== 'object' || value === null) return []
  const { type } = value as Node
  if (type === 'TSPropertySignature' || type === 'TSMethodSignature') return [value as Node]
  return Object.values(value).flatMap(signaturesIn)
}

/** The names of types that stand in it: `Omit` and `A` for `Omit<A, 'b'>`. */
function namesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn)
  if (typeof value !== 'object' || value === null) return []
  const { type, name } = value as Node
  return type === 'Identifier' ? [String(name)] : Object.values(value).flatMap(namesIn)
}

/** What documents what starts there: the last comment before it, with nothing but space between. */
function docstringBefore({ code, comments }: SourceFile, start: number): string | undefined {
  const comment = comments.findLast(({ end }) => end <= start)
  if (comment === undefined || code.slice(comment.end, start).trim() !== '') return undefined
  if (comment.type !== 'Block' || !comment.value.startsWith('*')) return undefined
  const text = comment.value
    .slice(1)
    .replaceAll(/^\s*\*/gm, '')
    .trim()
  return text === '' || text.includes('@module') ? undefined : text
}

function readText(path: string): string {
  return readFileSync(path, 'utf8')
}
