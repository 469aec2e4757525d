import { PosternError } from './core/index.ts'
import type { Gate } from './worker/index.ts'

const OPTION_NAMES = new Set([
  'store',
  'sources',
  'handlers',
  'prefix',
  'publicUrl',
  'clientOf',
  'retry',
  'worker',
  'retentionMs',
  'log',
  'observe',
  'now',
  'random',
])
/** The longest that a timer of Node can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

interface Range {
  readonly from: number
  readonly to: number
  /** Set where a half is of no use: a store takes no half as a limit. Of milliseconds every store takes parts. */
  readonly isWhole?: true
}

const CONCURRENCY: Range = { from: 1, to: 100_000, isWhole: true }
const RANGES: Readonly<Record<string, Readonly<Record<string, Range>>>> = {
  worker: {
    concurrency: CONCURRENCY,
    leaseMs: { from: 1, to: LONGEST_TIMER_MS },
    handlerTimeoutMs: { from: 1, to: LONGEST_TIMER_MS },
  },
  retry: {
    attempts: { from: 1, to: 1000, isWhole: true },
    baseMs: { from: 0, to: Number.MAX_SAFE_INTEGER },
    factor: { from: 0, to: 1000 },
    capMs: { from: 0, to: Number.MAX_SAFE_INTEGER },
    giveUpAfterMs: { from: 0, to: Number.MAX_SAFE_INTEGER },
  },
}
/** What one destination may have of its own, beside `retry` and `gate`. */
const OF_A_DESTINATION: Readonly<Record<string, Range>> = {
  concurrency: CONCURRENCY,
  timeoutMs: { from: 1, to: LONGEST_TIMER_MS },
}

/** What a store is asked for before anything else goes through it; all of it is in the contract. */
const STORE_VERBS = ['put', 'claim', 'settle', 'get', 'close'] as const

/** Refuses options that could only go wrong later, each by its path. */
export function assertSound(options: object): void {
  if (!isObject(options)) throw unsound('options', 'must be an object')
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) throw unsound(name, `is unknown; known are ${[...OPTION_NAMES].join(', ')}`)
  }
  assertParts(options)
  const { prefix } = options as { readonly prefix?: unknown }
  if (prefix !== undefined) assertSoundPrefix('prefix', prefix)
  const { publicUrl } = options as { readonly publicUrl?: unknown }
  if (publicUrl !== undefined && !(typeof publicUrl === 'string' && isPublicUrl(publicUrl))) {
    throw unsound(
      'publicUrl',
      "must be like 'https://hooks.example.com', without a slash at its end or a query",
    )
  }
  const { retentionMs } = options as { readonly retentionMs?: unknown }
  if (retentionMs !== undefined && !(typeof retentionMs === 'number' && retentionMs >= 0)) {
    throw unsound(
      'retentionMs',
      `must be a number of 0 or more: got ${typeof retentionMs === 'number' ? retentionMs : typeof retentionMs}`,
    )
  }
  for (const [group, ranges] of Object.entries(RANGES)) assertInRange(options, group, ranges)
  assertFunctions(options)
}

/** Refuses what no path begins with; `given` is where it was given. */
export function assertSoundPrefix(given: 'prefix' | 'under', prefix: unknown): void {
  if (typeof prefix === 'string' && /^(\/[^/?#]+)*$/.test(prefix)) return
  const got = typeof prefix === 'string' ? JSON.stringify(prefix) : typeof prefix
  throw unsound(given, `must be empty or like '/webhooks', without a slash at its end: got ${got}`)
}

const FUNCTIONS = ['clientOf', 'observe', 'now', 'random'] as const
const LOG_METHODS = ['debug', 'info', 'warn', 'error'] as const

/** What is called only once a request or a failure is there. */
function assertFunctions(options: object): void {
  const given = options as Readonly<Record<string, unknown>>
  for (const name of FUNCTIONS) {
    if (given[name] !== undefined && typeof given[name] !== 'function')
      throw unsound(name, 'must be a function')
  }
  const log = Object(given['log'] === undefined ? console : given['log']) as Readonly<Record<string, unknown>>
  if (!LOG_METHODS.every((method) => typeof log[method] === 'function'))
    throw unsound('log', `must have the functions ${LOG_METHODS.join(', ')}`)
}

/** Of the store a value is never shown: a text in its place may be a URL with a password. */
function assertParts({
  store,
  sources,
  handlers,
}: {
  readonly store?: unknown
  readonly sources?: unknown
  readonly handlers?: unknown
}): void {
  const verbs = Object(store) as Readonly<Record<string, unknown>>
  if (!STORE_VERBS.every((verb) => typeof verbs[verb] === 'function'))
    throw unsound('store', 'must be a store, such as memory()')
  // Of a map or a list there are no names to be had.
  if (!isObject(sources) || Symbol.iterator in sources)
    throw unsound('sources', 'must be an object, such as { shop: custom({ … }) }')
  for (const [name, source] of Object.entries(sources)) {
    const { provider, schemes } = Object(source) as {
      readonly provider?: unknown
      readonly schemes?: unknown
    }
    if (!isObject(provider) || !Array.isArray(schemes))
      throw unsound(`sources.${name}`, 'must be a source, as custom({ … }) answers')
  }
  if (handlers !== undefined && typeof handlers !== 'function')
    throw unsound('handlers', "must be a function, such as (on) => [on('shop', '*', handler)]")
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Refuses what is not a list of what `on` made. */
export function assertRegistrations(registrations: unknown): void {
  const list: readonly unknown[] = Array.isArray(registrations) ? registrations : [undefined]
  if (!list.every((each) => typeof (Object(each) as { readonly handler?: unknown }).handler === 'function'))
    throw unsound(
      'handlers',
      `must return the list of what \`on\` returned, such as (on) => [on('shop', '*', handler)]${registrations === undefined ? ': it returned nothing' : ''}`,
    )
}

/** Not shown where it is wrong: it may have a password in it. */
function isPublicUrl(text: string): boolean {
  return /^https?:\/\/[^/?#@\s\\]+(\/[^/?#\s\\]+)*$/.test(text) && URL.canParse(text)
}

/** Refuses limits of a destination that could only go wrong later, each by its path. */
export function assertSoundLimits(destination: string, limits: object): void {
  const path = `handlers.${destination}`
  const { retry, gate, ...numbers } = limits as { readonly retry?: object; readonly gate?: Partial<Gate> }
  assertInRange({ [path]: numbers }, path, OF_A_DESTINATION)
  assertInRange({ [`${path}.retry`]: retry }, `${path}.retry`, RANGES['retry'] ?? {})
  if (gate !== undefined && typeof gate?.places !== 'function')
    throw unsound(`${path}.gate`, 'has no function `places`')
}

const DEFAULT_GRACE_MS = 10_000
const OF_A_STOP: Readonly<Record<string, Range>> = { graceMs: { from: 0, to: Infinity } }

/** How long a stop lets handlers finish. What no timer can wait for is as long as one can: 24 days. */
export function soundGraceMs(given: { readonly graceMs?: number } = {}): number {
  assertInRange({ stop: given }, 'stop', OF_A_STOP)
  return Math.min(given.graceMs ?? DEFAULT_GRACE_MS, LONGEST_TIMER_MS)
}

function assertInRange(options: object, group: string, ranges: Readonly<Record<string, Range>>): void {
  // Whatever a caller without a compiler has put there.
  const { [group]: given = {} } = options as Readonly<Record<string, unknown>>
  if (!isObject(given) || Array.isArray(given)) throw unsound(group, 'must be an object')
  const values = given as Readonly<Record<string, unknown>>
  for (const [name, value] of Object.entries(values)) {
    const range = ranges[name]
    if (range === undefined)
      throw unsound(`${group}.${name}`, `is unknown; known are ${Object.keys(ranges).join(', ')}`)
    if (value === undefined) continue
    if (!isWithin(range, value)) {
      throw unsound(
        `${group}.${name}`,
        `must be a ${range.isWhole ? 'whole ' : ''}number from ${range.from} to ${range.to}: got ${typeof value === 'number' ? value : typeof value}`,
      )
    }
  }
}

function isWithin({ from, to, isWhole }: Range, value: unknown): boolean {
  if (typeof value !== 'number') return false
  return value >= from && value <= to && (isWhole === undefined || Number.isInteger(value))
}

function unsound(path: string, problem: string): PosternError {
  return new PosternError('bad_config', `${path} ${problem}`)
}
