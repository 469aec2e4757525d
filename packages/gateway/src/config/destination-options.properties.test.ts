import { createHmac } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import * as fc from 'fast-check'
import { createPostern } from 'postern'
import { memory } from 'postern/memory'
import { vastai } from 'postern/providers'
import { expect, test } from 'vitest'
import { FakeTime } from '../../../../test/support/fake-time.ts'
import { Destination } from '../forward/destination.ts'
import { Forwarding, type ResolvedDestination } from '../forward/index.ts'
import { Messages } from '../forward/message.ts'
import { checkConfig } from './check-config.ts'
import type { Problem } from './problem.ts'
import { resolveDestinations } from './resolve-destinations.ts'

const FILE = 'postern.config.ts'
const sources = { vastai: vastai({ secret: 'a-secret-of-16-bytes' }) }
const secretOf = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`
const LONGEST_TIMER_MS = 2 ** 31 - 1
/** In every text that could be a secret in the wrong place. */
const MARK = 'S3CR3T'

/** What stands where something else was meant. None of it holds code that is run when it is looked at. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    false,
    '',
    ' ',
    [],
    {},
    0,
    -0,
    -1,
    0.5,
    5e-324,
    1e-9,
    1e21,
    Number.MAX_VALUE,
    Number.MAX_SAFE_INTEGER,
    LONGEST_TIMER_MS,
    LONGEST_TIMER_MS + 1,
    Number.NaN,
    Infinity,
    -Infinity,
    10n,
    Symbol(MARK),
    new Date(0),
    new Map([['attempts', 3]]),
    new Set(['5xx']),
    new Headers({ authorization: MARK }),
    new URL(`https://billing.example/${MARK}`),
    Buffer.from(MARK),
    () => MARK,
    cyclic(),
    'nested',
    `${MARK} as a text`,
    [`${MARK} in a list`],
    { [MARK.toLowerCase()]: `${MARK} in an object` },
    JSON.parse(`{"__proto__":"${MARK}"}`),
    { constructor: `${MARK} under a name of objects` },
    { prototype: MARK },
  ),
  fc.string({ unit: 'binary' }).map((text) => `${MARK}${text}`),
)

function cyclic(): unknown {
  const list: unknown[] = []
  list.push({ list })
  return list
}

/** Of sixty parts so many are not sound. */
function destinationsWith(oddParts: number): fc.Arbitrary<object> {
  const mostly = <T>(sound: fc.Arbitrary<T>, ...unsound: readonly unknown[]): fc.Arbitrary<unknown> =>
    fc.oneof(
      { weight: 60, arbitrary: sound },
      { weight: oddParts, arbitrary: odd },
      { weight: unsound.length === 0 ? 0 : oddParts, arbitrary: fc.constantFrom(undefined, ...unsound) },
    )
  const options = (each: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> => {
    const strayName = fc.constantFrom('retries', 'a.b', 'constructor', 'toString')
    const strays = fc.dictionary(strayName, odd, { minKeys: 1, maxKeys: 1 })
    return fc
      .tuple(
        fc.record(each, { requiredKeys: 'url' in each ? ['url'] : [] }),
        fc.oneof({ weight: 60, arbitrary: fc.constant({}) }, { weight: oddParts, arbitrary: strays }),
      )
      .map(([known, stray]) => ({ ...known, ...stray }))
  }
  const filter = options({
    type: mostly(fc.constantFrom('outbid', { startsWith: 'inst' }, { exists: true }), { is: undefined }),
    json: mostly(fc.dictionary(fc.constantFrom('data.a', '/x'), fc.constantFrom(1, 'a', { above: 1 })), {
      constructor: MARK,
    }),
    header: mostly(fc.dictionary(fc.constantFrom('x-a', 'X-A.b'), fc.constantFrom('a', { contains: 'b' }))),
  }).filter((given) => oddParts > 0 || Object.keys(given).length > 0)
  const set = fc.dictionary(
    fc.constantFrom('authorization', 'X-Api-Key', 'x-a.b'),
    fc.constantFrom(MARK, `Bearer ${MARK}`),
  )
  return options({
    url: mostly(
      fc.constantFrom(`https://billing.example/${MARK}?key=${MARK}`, 'https://1.1.1.1:8443/'),
      `https://u:${MARK}@billing.example/`,
      `https://billing.example/#${MARK}`,
      `ftp://billing.example/${MARK}`,
      `http://10.0.0.1/${MARK}`,
      `http://billing.example/${MARK}`,
      `https://[::1]/${MARK}`,
    ),
    secret: mostly(
      fc.constantFrom(secretOf(1), [secretOf(2), undefined, secretOf(3)], [], ['']),
      `whsec_${MARK}`,
      `${MARK}!`,
    ),
    from: mostly(
      fc.oneof(
        fc.constantFrom<unknown>({ source: 'vastai' }, [{ type: 'outbid' }, { type: ['instance.*', '*'] }]),
        fc.record({ where: mostly(filter) }),
      ),
    ),
    headers: mostly(
      options({
        pass: mostly(fc.constantFrom(['x-request-id'], ['X-Request-Id', 'x-request-id'], []), ['cookie']),
        original: mostly(fc.constantFrom(['x-vast-signature'], ['content-type']), ['authorization']),
        set: mostly(
          set,
          { authorization: `${MARK}\r\n` },
          { authorization: `${MARK}é` },
          { 'X-A': MARK, 'x-a': MARK },
          { constructor: MARK },
          { 'x-a': MARK, host: MARK },
          { 'a b': MARK },
        ),
      }),
    ),
    concurrency: mostly(fc.integer({ min: 1, max: 10_000 })),
    ratePerSecond: mostly(fc.double({ min: 1e-5, max: 1e5, noNaN: true })),
    timeoutMs: mostly(ms),
    retry: mostly(
      options({
        attempts: mostly(undefinedToo(fc.integer({ min: 1, max: 1000 }))),
        baseMs: mostly(undefinedToo(wait)),
        factor: mostly(undefinedToo(fc.double({ min: 1, max: 1000, noNaN: true }))),
        capMs: mostly(undefinedToo(wait)),
      }),
    ),
    giveUpAfterMs: mostly(wait),
    retryOn: mostly(fc.subarray<unknown>(['3xx', '4xx', '5xx', 429, 599])),
    allowNetworks: mostly(fc.subarray(['10.0.0.0/8', 'fd00::/8', '::1', '192.168.1.1/32'])),
    ca: mostly(
      fc.constantFrom(rootCertificates[0], rootCertificates.slice(0, 2).join('\n')),
      `-----BEGIN CERTIFICATE-----\n${MARK}`,
      `-----BEGIN CERTIFICATE-----\n${MARK}\n-----END CERTIFICATE-----`,
    ),
    breaker: mostly(fc.oneof(fc.constant(false), soundBreaker), { openMs: 2, longestOpenMs: 1 }),
  })
}

const ms = fc.oneof(
  fc.integer({ min: 1, max: 100_000 }),
  fc.constantFrom(1, LONGEST_TIMER_MS - 2000, 86_400_000),
)
const wait = fc.oneof(fc.nat(100_000), fc.double({ min: 0, max: Number.MAX_SAFE_INTEGER, noNaN: true }))
const undefinedToo = <T>(sound: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 5, arbitrary: sound }, { weight: 1, arbitrary: fc.constant(undefined) })
const soundBreaker = fc
  .record({
    failures: undefinedToo(fc.integer({ min: 1, max: 50 })),
    openMs: undefinedToo(ms),
    longestOpenMs: undefinedToo(ms),
  })
  .map(({ openMs, longestOpenMs, ...rest }) =>
    openMs !== undefined && longestOpenMs !== undefined && openMs > longestOpenMs
      ? { ...rest, openMs: longestOpenMs, longestOpenMs: openMs }
      : { ...rest, openMs, longestOpenMs },
  )

const anyName = fc.oneof(
  { weight: 20, arbitrary: fc.constant('billing') },
  { weight: 1, arbitrary: fc.constantFrom('constructor', '__proto__', '42', 'handlers', 'a.b', '') },
)

/** Taken, or refused with problems. */
function judged(name: string, given: unknown): ResolvedDestination | readonly Problem[] {
  const destinations = Object.defineProperty({}, name, { value: given, enumerable: true })
  const checked = checkConfig({ sources, destinations }, FILE)
  if (!checked.ok) return checked.problems
  const resolved = resolveDestinations(checked.value.destinations ?? {}, {
    env: { BILLING_DESTINATION_SECRET: secretOf(9) },
    sources: ['vastai'],
  })
  if (!resolved.ok) return resolved.problems
  const [only] = resolved.value
  if (only === undefined || 'notify' in only) throw new Error(`'${name}' was dropped without a word`)
  return only as ResolvedDestination
}

/** Whether a path leads to something in the input, or to what is missing from something in it. */
function leads(value: unknown, path: string): boolean {
  if (path === '') return true
  if (typeof value !== 'object' || value === null) return false
  const names = Object.getOwnPropertyNames(value).filter(
    (name) => path === name || path.startsWith(`${name}.`),
  )
  if (names.some((name) => leads((value as Record<string, unknown>)[name], path.slice(name.length + 1))))
    return true
  return !path.includes('.')
}

test('any mixture of options is taken, or refused by paths that are there, without a secret, and quickly', () => {
  let taken = 0
  fc.assert(
    fc.property(
      anyName,
      fc.oneof({ weight: 30, arbitrary: destinationsWith(1) }, { weight: 1, arbitrary: odd }),
      (name, given) => {
        const startedMs = performance.now()
        const result = judged(name, given)
        expect(performance.now() - startedMs).toBeLessThan(1000)
        if (!Array.isArray(result)) {
          taken += 1
          return
        }
        const problems = result as readonly Problem[]
        expect(problems.length).toBeGreaterThan(0)
        for (const { path, message } of problems) {
          expect(`${path}: ${message}`).not.toContain(MARK)
          expect(path.startsWith(`destinations.${name}`), path).toBe(true)
          const rest = path.slice(`destinations.${name}`.length)
          expect(rest === '' || leads(given, rest.slice(1)), path).toBe(true)
        }
      },
    ),
    { numRuns: 1000 },
  )
  // Neither side of the promise is to be proven by nothing.
  expect(taken).toBeGreaterThan(100)
  expect(taken).toBeLessThan(900)
})

test('a destination that is taken does what its options say', () => {
  fc.assert(
    fc.property(destinationsWith(0), (given) => {
      const resolved = judged('billing', given)
      expect(resolved).not.toBeInstanceOf(Array)
      const made = resolved as ResolvedDestination
      expectSame(made, given)
      expectInboxTakes(made)
      const time = new FakeTime()
      const sent = new Destination(made, { time, random: () => 0.5 })
      expectLimits(sent, made)
      expectHeaders(made)
      expectBreaker(made)
    }),
    { numRuns: 300 },
  )
})

/** What was given comes out as it was given; only what is undefined may be left out. */
function expectSame(made: ResolvedDestination, given: object): void {
  expect(made).toEqual({ ...given, name: 'billing', secrets: expect.any(Array) as unknown })
}

/** The library refuses none of it, under a path that no configuration has. */
function expectInboxTakes(made: ResolvedDestination): void {
  const store = memory()
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const forwarding = new Forwarding({ destinations: [made], sources: ['vastai'], state: store.state, log })
  createPostern({ store, sources, handlers: (on) => forwarding.registrations(on as never), log })
  expect(forwarding.list()).toMatchObject([
    { name: 'billing', origin: new URL(made.url).origin, state: 'open' },
  ])
}

function expectLimits({ handlerOptions }: Destination, made: ResolvedDestination): void {
  const { concurrency, timeoutMs = 0, retry } = handlerOptions
  expect(concurrency).toBe(made.concurrency ?? 16)
  expect(timeoutMs).toBeGreaterThan(made.timeoutMs ?? 15_000)
  expect(timeoutMs).toBeLessThanOrEqual(LONGEST_TIMER_MS)
  // An undefined member would stand over the usual schedule's own.
  expect(Object.values(retry ?? {})).not.toContain(undefined)
}

function expectHeaders({ secrets, headers = {} }: ResolvedDestination): void {
  const body = Buffer.from('{}')
  const received = ['Content-Type', 'application/json', 'X-Request-Id', 'r-1', 'x-vast-signature', 's-1']
  const event = {
    source: 'vastai',
    id: 'e',
    type: 't',
    created: undefined,
    data: {},
    body,
    headers: received,
  }
  const flat = new Messages(secrets, headers).headers(
    { event, deliverySeq: 1, attempt: 1 },
    1_800_000_000_000,
  )
  const pairs = flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]] as const] : []))
  const only = (name: string): string | undefined => {
    const values = pairs.filter(([each]) => each === name).map(([, value]) => value)
    expect(values.length, name).toBeLessThan(2)
    return values[0]
  }
  for (const [name, value] of Object.entries(headers.set ?? {})) expect(only(name.toLowerCase())).toBe(value)
  if (headers.pass?.includes('x-request-id')) expect(only('x-request-id')).toBe('r-1')
  if (headers.original?.includes('x-vast-signature'))
    expect(only('postern-original-x-vast-signature')).toBe('s-1')
  const signed = `${only('webhook-id')}.${only('webhook-timestamp')}.${String(body)}`
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
    return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  })
  expect(only('webhook-signature')).toBe(signatures.join(' '))
}

/** So many failures in a row close the gate, for as long as is said, give or take a fifth. */
function expectBreaker({ breaker, ...made }: ResolvedDestination): void {
  const { ratePerSecond: _, ...unbounded } = made
  const time = new FakeTime()
  const sent = new Destination(
    { ...unbounded, ...(breaker !== undefined && { breaker }) },
    { time, random: () => 0.5 },
  )
  const { gate } = sent.outlet
  const { failures = 10, openMs = 5000, longestOpenMs = 60_000 } = breaker === false ? {} : (breaker ?? {})
  // As good as never.
  if (failures > 1000) return
  for (let count = 0; count < failures; count += 1) {
    expect(gate.places()).toBe(Infinity)
    gate.begin()?.({ target: 'ill' })
  }
  if (breaker === false) return expect(gate.places()).toBe(Infinity)
  const openForMs = breaker?.longestOpenMs === undefined ? openMs : Math.min(openMs, longestOpenMs)
  time.advance(openForMs * 0.79)
  expect(gate.places()).toBe(0)
  time.advance(openForMs * 0.42)
  expect(gate.places()).toBe(1)
}

test('a rate is kept to, however low it is and however often it is asked for', () => {
  const rate = fc.oneof(
    fc.double({ min: 1e-5, max: 1, noNaN: true }),
    fc.double({ min: 1, max: 1000, noNaN: true }),
  )
  fc.assert(
    fc.property(rate, fc.double({ min: 1e-3, max: 1, noNaN: true }), (ratePerSecond, step) => {
      const made = judged('billing', { url: 'https://billing.example/', ratePerSecond, breaker: false })
      const time = new FakeTime()
      const sent = new Destination(made as ResolvedDestination, { time, random: () => 0.5 })
      const { gate } = sent.outlet
      const asks = 20_000
      let begun = 0
      for (let ask = 0; ask < asks; ask += 1) {
        if (gate.places() >= 1) {
          gate.begin()?.({ target: 'well' })
          begun += 1
        }
        // Each asks for a token many times before there is one.
        time.advance((step * 1000) / ratePerSecond / 100)
      }
      const due = (asks * step) / 100
      const most = due + Math.max(1, ratePerSecond / 4) + 1
      expect(begun).toBeLessThanOrEqual(most)
      expect(begun).toBeGreaterThanOrEqual(Math.min(due, asks) - 2)
      gate.close()
    }),
    { numRuns: 60 },
  )
})

test.each<[string, (size: number) => object]>([
  ['a long URL', (size) => ({ url: `https://billing.example/${'a'.repeat(size)}` })],
  ['a long secret', (size) => ({ secret: MARK.repeat(size / MARK.length) })],
  ['a long list of secrets', (size) => ({ secret: Array.from({ length: size / 50 }, () => secretOf(1)) })],
  ['a long header', (size) => ({ headers: { set: { authorization: MARK.repeat(size / MARK.length) } } })],
  ['many headers', (size) => ({ headers: { set: named(size / 10, MARK) } })],
  [
    'many strange headers',
    (size) => ({ headers: { pass: Array.from({ length: size / 10 }, () => `${MARK} `) } }),
  ],
  [
    'many networks',
    (size) => ({ allowNetworks: Array.from({ length: size / 11 }, (_, i) => `10.${i % 255}.0.0/16`) }),
  ],
  [
    'many things that are no networks',
    (size) => ({ allowNetworks: Array.from({ length: size / 2 }, () => MARK) }),
  ],
  ['many options that are none', (size) => named(size / 10, MARK)],
  ['a deep filter', (size) => ({ from: { where: deep(size / 7) } })],
  ['a wide filter', (size) => ({ from: { where: { json: named(size / 10, 'x') } } })],
  ['a long path in a filter', (size) => ({ from: { where: { json: { ['a.'.repeat(size / 2)]: 1 } } } })],
  ['many routes', (size) => ({ from: Array.from({ length: size / 15 }, () => ({ type: 'x' })) })],
  [
    'something long that is no certificate',
    (size) => ({ ca: `-----BEGIN CERTIFICATE-----${'A'.repeat(size)}` }),
  ],
  ['many beginnings of certificates', (size) => ({ ca: '-----BEGIN CERTIFICATE-----'.repeat(size / 27) })],
])('%s of 10 KB is judged in less than a second, without showing it', (_what, make) => {
  const startedMs = performance.now()
  const result = judged('billing', { url: 'https://billing.example/', ...make(10_000) })
  expect(performance.now() - startedMs).toBeLessThan(1000)
  if (Array.isArray(result)) expect(JSON.stringify(result)).not.toContain(MARK)
})

function named(count: number, value: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-name-${index}`, value]))
}

function deep(levels: number): object {
  let filter: object = { type: 'x' }
  for (let level = 0; level < levels; level += 1) filter = { not: filter }
  return filter
}
