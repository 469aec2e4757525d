/**
 * Secrets and what is computed from them are compared by one function, `constantTimeEqual` of `core/crypto.ts`, and never
 * by an operator, whose time tells how much was right. Time itself is not measured: on a shared machine that is noise.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, test } from 'vitest'

const SOURCE = resolve('packages/postern/src')
const GATEWAY = resolve('packages/gateway/src')

/** Last words of the names of what must not be compared by an operator. */
const SECRET_WORDS = /(?:^|[a-z])(secrets?|signatures?|hmacs?|macs?|passwords?|passcodes?|credentials?)$/i
/** The same in what verifies, where these words mean nothing else. */
const VERIFIER_WORDS = /(?:^|[a-z])(expected|sent|digests?|keys?|computed|tokens?)$/i

/** Comparisons that tell nobody anything, each with its reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'core/json-member.ts: stringAt(body, key) === name': 'the name of a member of a body, not a key that signs',
  'core/secrets-apart.ts: use.digest === right.digest':
    'two secrets of a configuration with each other, at start; no request is near',
  'core/check.ts: match(scheme, keys, read.signatures, content)': 'a function of ours, not of strings',
  'core/keyring.ts: secret.startsWith(candidate)': 'for a prefix that everybody knows, at start',
  'gateway/src/cli/explain/explained-source.ts: usable.includes(secret)':
    'two lists of a command line, on the machine of whoever typed them',
  'gateway/src/cli/rotate.ts: secrets?.has(olderSecretOf(source))':
    'a Map of secrets by the names of their variables',
  'gateway/src/cli/development-secrets.ts: secrets.has(source)':
    'a Map of secrets by the names of their sources',
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [name: string]: unknown
}

describe('no secret is compared by an operator', () => {
  const found = filesOf(SOURCE).concat(filesOf(GATEWAY)).flatMap(comparisonsIn)

  test('in the whole source, but for what is listed', () => {
    expect(found.filter((each) => !Object.hasOwn(EXCEPTIONS, each))).toEqual([])
  })

  test('and nothing is listed that is not there', () => {
    expect(Object.keys(EXCEPTIONS).filter((each) => !found.includes(each))).toEqual([])
  })

  test.each([
    'signature === expected',
    'expected !== signature',
    'signature == expected',
    "expected.toString('hex') === given.toString('hex')",
    'sha256(secret) === sha256(given)',
    'Buffer.compare(expected, given) === 0',
    'expected.equals(given)',
    'given.equals(signature)',
    'configured.secret === given',
    'keys.includes(given)',
    'keys.indexOf(given) >= 0',
    'given.startsWith(signature)',
    'secrets.has(given)',
    'Object.is(password, given)',
    'signature.localeCompare(given)',
    'isDeepStrictEqual(hmac, given)',
  ])('a planted one is seen: %s', (comparison) => {
    expect(comparisonsOf(`if (${comparison}) accept()`, 'core/planted.ts')).not.toEqual([])
  })

  test('one in a switch is seen', () => {
    expect(comparisonsOf('switch (secret) { case given: accept() }', 'core/planted.ts')).toHaveLength(1)
  })

  test.each([
    ['core/check.ts', 'constantTimeEqualText(expected, text)', 'expected === text'],
    ['core/check.ts', 'constantTimeEqualText(expected, text)', 'expected.localeCompare(text) === 0'],
    [
      'core/public-key.ts',
      'constantTimeEqual(expected, signature)',
      'Buffer.from(expected).equals(signature)',
    ],
    [
      'core/static-secret.ts',
      'sameSecret(key, read.sent)',
      'secretText(key) === Buffer.from(read.sent).toString()',
    ],
    ['core/crypto.ts', 'constantTimeEqual(sha256(expected), sha256(sent))', 'expected === sent'],
  ])('one in the place of the real one is seen: %s, %s', (file, real, planted) => {
    const code = readFileSync(join(SOURCE, file), 'utf8')
    expect(code.split(real)).toHaveLength(2)
    const before = comparisonsOf(code, file)
    expect(comparisonsOf(code.replace(real, planted), file)).not.toEqual(before)
  })

  test.each([
    "scheme.algorithm === 'static-secret'",
    'secret === undefined',
    'secrets.length === 0',
    "typeof signature === 'string'",
    'index === secretIndex',
    'signature.byteLength === 32',
  ])('what compares no secret is passed over: %s', (comparison) => {
    expect(comparisonsOf(`if (${comparison}) accept()`, 'core/planted.ts')).toEqual([])
  })
})

// The gateway imports what the library publishes, and this is not: its listener compares digests, which have one length.
test('timingSafeEqual is called at one place of the library and one of the gateway', () => {
  const calls = filesOf(SOURCE)
    .concat(filesOf(GATEWAY))
    .filter((file) =>
      /\btimingSafeEqual\(/.test(readFileSync(file, 'utf8').replaceAll(/^\s*(\*|\/\/).*$/gm, '')),
    )
  expect(calls).toEqual([join(SOURCE, 'core/crypto.ts'), join(GATEWAY, 'admin/access.ts')])
  expect(readFileSync(join(SOURCE, 'core/crypto.ts'), 'utf8')).toContain(
    'left.length === right.length && timingSafeEqual(left, right)',
  )
})

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.test\.ts$|\.d\.ts$|engine-source\.ts$/.test(name))
    .map((name) => join(folder, name))
}

function comparisonsIn(file: string): string[] {
  const own = relative(SOURCE, file)
  return comparisonsOf(
    readFileSync(file, 'utf8'),
    own.startsWith('..') ? relative(resolve('packages'), file) : own,
  )
}

/** Comparisons of secrets in a file's code, as `file: code`. */
function comparisonsOf(code: string, file: string): string[] {
  // Elsewhere a key orders or deduplicates, and a token is a lease's number.
  const isVerifier = /^(core|receive|adapters)\//.test(file)
  const found: string[] = []
  walk(parseSync(file, code, { sourceType: 'module' }).program as unknown as Node, (node) => {
    const operands = comparedBy(node)
    if (operands.some(isPlain)) return
    if (operands.some((operand) => isSecret(operand, isVerifier)))
      found.push(`${file}: ${code.slice(node.start, node.end)}`)
  })
  return found
}

const OPERATORS = new Set(['===', '!==', '==', '!='])
const METHODS = new Set(
  'equals compare includes indexOf lastIndexOf startsWith endsWith localeCompare is has isDeepStrictEqual match search'.split(
    ' ',
  ),
)

/** What a node compares with each other; nothing where it compares nothing. */
function comparedBy(node: Node): readonly Node[] {
  if (node.type === 'BinaryExpression' && OPERATORS.has(node['operator'] as string))
    return [node['left'] as Node, node['right'] as Node]
  if (node.type === 'SwitchStatement') return [node['discriminant'] as Node]
  if (node.type !== 'CallExpression') return []
  const callee = node['callee'] as Node
  const name = callee.type === 'MemberExpression' ? (callee['property'] as Node)['name'] : callee['name']
  if (!METHODS.has(name as string)) return []
  const holder = callee.type === 'MemberExpression' ? [callee['object'] as Node] : []
  return [...holder, ...(node['arguments'] as Node[])]
}

/** A value that everybody knows, and that no secret is. */
function isPlain(node: Node): boolean {
  if (node.type === 'Literal' && node['value'] !== 0) return true
  if (node.type === 'UnaryExpression') return true
  return node.type === 'Identifier' && ['undefined', 'DOUBLED', 'NaN'].includes(node['name'] as string)
}

const SIZES = new Set(['length', 'byteLength', 'size'])

/** Whether a secret has a part in a value. */
function isSecret(node: Node, isVerifier: boolean): boolean {
  if (node.type === 'MemberExpression' && SIZES.has((node['property'] as Node)['name'] as string))
    return false
  // Of a member only its own name counts, and of a call what it is made of.
  if (node.type === 'MemberExpression') {
    const property = (node['property'] as Node)['name']
    return isSecretName(property, isVerifier) || isCalled(node, isVerifier)
  }
  if (node.type === 'Identifier') return isSecretName(node['name'], isVerifier)
  if (node.type === 'CallExpression') {
    const [callee, ...values] = [node['callee'] as Node, ...(node['arguments'] as Node[])]
    const holder = callee.type === 'MemberExpression' ? [callee['object'] as Node] : []
    return [...holder, ...values].some((each) => isSecret(each, isVerifier))
  }
  return false
}

/** A member of an element of a secret's list. */
function isCalled(node: Node, isVerifier: boolean): boolean {
  return node['computed'] === true && isSecret(node['object'] as Node, isVerifier)
}

function isSecretName(name: unknown, isVerifier: boolean): boolean {
  if (typeof name !== 'string') return false
  return SECRET_WORDS.test(name) || (isVerifier && VERIFIER_WORDS.test(name))
}

function walk(node: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(node)) {
    for (const each of node) walk(each, visit)
    return
  }
  if (typeof node !== 'object' || node === null) return
  if ('type' in node && typeof node.type === 'string') visit(node as Node)
  for (const value of Object.values(node)) walk(value, visit)
}
