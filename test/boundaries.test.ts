import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { providers } from '../packages/postern/src/providers/index.ts'

/** Which part may import which. Parts of `postern` are its folders under `src`; `root` is what composes them. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  providers: ['core'],
  explain: ['core'],
  inbox: ['core'],
  receive: ['core', 'inbox'],
  worker: ['core', 'inbox'],
  'stores/memory': ['core', 'inbox'],
  'stores/sqlite': ['core', 'inbox'],
  'stores/postgres': ['core', 'inbox'],
  'stores/redis': ['core', 'inbox'],
  adapters: ['receive'],
  testing: ['core', 'inbox', 'providers'],
  root: ['core', 'inbox', 'providers', 'receive', 'worker'],
}
const SOURCE = resolve('packages/postern/src')
const IMPORT = /^\s*(?:import|export)\s(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm

/** Names that only their own folder may speak. */
const OWN_NAMES: readonly { readonly names: RegExp; readonly folder: string }[] = [
  {
    // Those whose names are no words of the language: `slack`, `square`, `box`, `meta` and `x` are.
    names:
      /\b(vast\.?ai|cast ?ai|coreweave|anima|figma|wandb|github|gitlab|bitbucket|jira|shopify|stripe|svix|clerk|resend|openai|replicate|polar|paddle|sanity|razorpay|mux|pagerduty|workos|notion|convoy|zoom|elevenlabs|zendesk|twitch|docusign|asana|postmark|okta|adyen|sentry|grafana|hubspot|trello|intercom|lemonsqueezy|vercel|typeform|calendly|calcom|customerio|webflow|cloudevents)\b/i,
    folder: 'providers',
  },
  { names: /\b(sqlite|postgres|redis)\b/i, folder: 'stores' },
  { names: /\b(express|fastify|hono|koa)\b/i, folder: 'adapters' },
]

interface Import {
  readonly from: string
  readonly to: string
}

describe('the arrows between the parts of postern', () => {
  const imports = sourceFiles(SOURCE).flatMap(importsOf)

  test('every import follows one', () => {
    expect(imports.filter((each) => !isAllowed(each)).map(describeImport)).toEqual([])
  })

  test('only these files of the core import node:crypto', () => {
    const users = imports.filter(({ from, to }) => to === 'node:crypto' && partOf(from) === 'core')
    expect(users.map(({ from }) => relative(SOURCE, from))).toEqual(
      [
        'certificate-chain.ts',
        'certificate.ts',
        'crypto.ts',
        'message-keys.ts',
        'public-key.ts',
        'read-public-key.ts',
      ].map((name) => `core/${name}`),
    )
  })

  test('nothing outside Node and postern is imported', () => {
    const others = imports.filter(({ to }) => !to.startsWith('.') && !to.startsWith('node:'))
    expect(others.map(describeImport)).toEqual([])
  })

  test('there are no cycles', () => {
    expect(findCycle(imports)).toBeUndefined()
  })

  test('a forbidden import is seen', () => {
    const forbidden = { from: join(SOURCE, 'core/check.ts'), to: '../inbox/index.ts' }
    expect(isAllowed(forbidden)).toBe(false)
    expect(describeImport(forbidden)).toBe(
      'core/check.ts imports ../inbox/index.ts: core may import nothing else',
    )
  })
})

test('no provider, store or framework is named in the code of another part', () => {
  const found = sourceFiles(SOURCE).flatMap((file) => {
    const code = withoutComments(readFileSync(file, 'utf8'))
    const path = relative(SOURCE, file)
    return OWN_NAMES.filter(({ names, folder }) => !path.startsWith(folder) && names.test(code)).map(
      ({ names }) => `${path} names ${names.exec(code)?.[0]}`,
    )
  })
  expect(found).toEqual([])
})

test('samples never reach a bundle: nothing but themselves imports them', () => {
  const users = sourceFiles(SOURCE)
    .flatMap(importsOf)
    .filter(({ from, to }) => to.includes('samples') && !from.includes('samples'))
  expect(users).toEqual([])
})

test('the gateway imports only the public face of postern', () => {
  const files = sourceFiles(resolve('packages/gateway/src'))
  const deep = files
    .flatMap(importsOf)
    .filter(({ to }) => to.includes('postern/src') || to.includes('postern/dist'))
  expect(deep).toEqual([])
})

test('scheme and envelope data is JSON: nothing is lost by writing it down', () => {
  expect(JSON.parse(JSON.stringify(providers))).toEqual(providers)
})

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(
      (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('engine-source.ts'),
    )
    .map((name) => join(folder, name))
}

function importsOf(file: string): Import[] {
  const code = withoutComments(readFileSync(file, 'utf8'))
  return [...code.matchAll(IMPORT)].map((match) => ({ from: file, to: match[1] ?? match[2] ?? '' }))
}

function isAllowed({ from, to }: Import): boolean {
  if (!to.startsWith('.')) return true
  const [own, other] = [partOf(from), partOf(resolve(dirname(from), to))]
  return own === other || (ARROWS[own] ?? []).includes(other)
}

function describeImport({ from, to }: Import): string {
  const own = partOf(from)
  const allowed = ARROWS[own]?.join(', ') || 'nothing else'
  return `${relative(SOURCE, from)} imports ${to}: ${own} may import ${allowed}`
}

function partOf(file: string): string {
  const [first = '', second = ''] = relative(SOURCE, file).split('/')
  if (first.endsWith('.ts')) return 'root'
  return first === 'stores' ? `${first}/${second}` : first
}

/** The files of a cycle, if there is one. Type imports count: a cycle of types is still two files that cannot be read apart. */
function findCycle(imports: readonly Import[]): string[] | undefined {
  const targets = new Map<string, string[]>()
  for (const { from, to } of imports.filter((each) => each.to.startsWith('.'))) {
    targets.set(from, [...(targets.get(from) ?? []), resolve(dirname(from), to)])
  }
  const done = new Set<string>()
  const visit = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file))
      return [...path.slice(path.indexOf(file)), file].map((each) => relative(SOURCE, each))
    if (done.has(file)) return undefined
    for (const target of targets.get(file) ?? []) {
      const cycle = visit(target, [...path, file])
      if (cycle !== undefined) return cycle
    }
    done.add(file)
    return undefined
  }
  return [...targets.keys()].map((file) => visit(file, [])).find((cycle) => cycle !== undefined)
}

function withoutComments(code: string): string {
  return code.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
}
