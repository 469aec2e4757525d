/** Handlers whose throws and answers cannot even be looked at, as a whole: what runs must go on, and what failed must be a failure. */
import { describe, expect, test, vi } from 'vitest'
import { sign, type Logger } from '../core/index.ts'
import type { Occurrence } from '../inbox/index.ts'
import { createPostern, type Postern } from '../postern.ts'
import { custom } from '../providers/index.ts'
import { memory } from '../stores/memory/index.ts'
import { bodyScheme } from '../../../../test/support/body-scheme.ts'
import { NonRetryableError, NotNowError, RetryAfterError } from './handler.ts'

const source = custom({
  secret: 'a secret of more than sixteen bytes',
  scheme: bodyScheme,
  envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
})

function throwing(): never {
  throw new Error('must not be looked at')
}

function revoked(target: object = {}): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

/** A proxy of which every trap throws. */
function untouchable(target: object): object {
  const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, throwing]))
  return new Proxy(target, traps)
}

function withGetter(target: object, ...names: readonly PropertyKey[]): object {
  for (const name of names) Object.defineProperty(target, name, { get: throwing })
  return target
}

const HOSTILE: readonly (readonly [string, () => unknown])[] = [
  ['a proxy that was revoked', () => revoked()],
  ['an error that was revoked', () => revoked(new Error('gone'))],
  ['a function that was revoked', () => revoked(() => {})],
  ['a proxy whose traps throw', () => untouchable({})],
  ['an error whose traps throw', () => untouchable(new Error('gone'))],
  ['an error whose getters throw', () => withGetter(new Error('?'), 'name', 'message', 'stack', 'cause')],
  ['a getter of `then` that throws', () => withGetter({}, 'then')],
  ['an object that cannot be made text', () => ({ [Symbol.toPrimitive]: throwing })],
  ['an object whose kind throws', () => withGetter({}, Symbol.toStringTag, 'constructor')],
]

describe('a handler that throws', () => {
  test.each<(typeof HOSTILE)[number]>([
    ...HOSTILE,
    ['a wait that cannot be read', () => withGetter(new RetryAfterError(1, '?'), 'afterMs')],
    ['a wait that is a symbol', () => Object.assign(new RetryAfterError(1, '?'), { afterMs: Symbol('1') })],
  ])('%s has failed, and all else goes on', async (_what, thrown) => {
    const { postern, deliveries, settle } = await anInbox(() => {
      throw thrown()
    })
    expect(await postern.drain()).toBe(2)
    const failed = { state: 'pending', attempts: [{ number: 1, outcome: 'retry' }] }
    expect(await deliveries()).toMatchObject([failed, { state: 'succeeded' }])
    expect(settle).toHaveBeenCalledOnce()
    await postern.stop()
  })

  test('an error of ours that cannot be read is still one', async () => {
    const { postern, deliveries } = await anInbox(() => {
      throw withGetter(new NonRetryableError('?'), 'name', 'message')
    })
    await postern.drain()
    expect(await deliveries()).toMatchObject([{ state: 'dead' }, {}])
  })

  test.each([
    ['cannot be read', () => withGetter(new NotNowError(1, '?'), 'afterMs')],
    ['is a bigint', () => Object.assign(new NotNowError(1, '?'), { afterMs: 1000n })],
  ])('a NotNowError whose wait %s gives its delivery back', async (_what, thrown) => {
    const { postern, deliveries } = await anInbox(() => {
      throw thrown()
    })
    expect(await postern.drain()).toBe(2)
    expect(await deliveries()).toMatchObject([{ state: 'pending', attempts: [] }, { state: 'succeeded' }])
  })
})

describe('a handler that answers', () => {
  test.each(HOSTILE)('%s leaves all else to go on', async (_what, answer) => {
    const { postern, deliveries } = await anInbox(answer)
    expect(await postern.drain()).toBe(2)
    // What asks for `then` and is thrown at has rejected, as anywhere in JavaScript.
    expect(await deliveries()).toMatchObject([{ attempts: [{ number: 1 }] }, { state: 'succeeded' }])
  })
})

describe.each(HOSTILE)('%s', (_what, hostile) => {
  test('thrown or answered by an observer and a log changes nothing', async () => {
    for (const say of [hostile, throwingIt(hostile)]) {
      const { postern, deliveries } = await anInbox(() => {}, { observe: say, say })
      expect(await postern.drain()).toBe(2)
      expect(await deliveries()).toMatchObject([{ state: 'succeeded' }, { state: 'succeeded' }])
    }
  })

  test('thrown or answered by a gate keeps its destination back, and no other', async () => {
    for (const places of [hostile, throwingIt(hostile)]) {
      const { postern, deliveries } = await anInbox(() => {}, { places })
      expect(await postern.drain()).toBe(1)
      expect(await deliveries()).toMatchObject([{ state: 'pending' }, { state: 'succeeded' }])
    }
  })
})

test.each([
  ['a promise that rejects', () => Promise.reject(new Error('asynchronous'))],
  ['no number', () => Number.NaN],
])('a gate that answers %s keeps its destination back, which the log says once', async (_what, places) => {
  const say = vi.fn()
  const { postern, deliveries } = await anInbox(() => {}, { places, say })
  expect(await postern.drain()).toBe(1)
  expect(await deliveries()).toMatchObject([{ state: 'pending' }, { state: 'succeeded' }])
  const error = new TypeError('`places` must answer a number, and no promise of one')
  expect(say.mock.calls).toEqual([
    ['a gate threw, and its destination waits', { destination: 'hostile', error }],
  ])
})

function throwingIt(hostile: () => unknown): () => never {
  return () => {
    throw hostile()
  }
}

interface Hostilities {
  readonly observe?: (occurrence: Occurrence) => unknown
  readonly say?: () => unknown
  readonly places?: () => unknown
}

/** One event with two deliveries: the handler's in question, and that of one that does nothing. */
async function anInbox(
  handler: () => unknown,
  { observe, say, places }: Hostilities = {},
): Promise<{
  readonly postern: Postern
  readonly deliveries: () => Promise<readonly object[]>
  readonly settle: ReturnType<typeof vi.fn>
}> {
  const store = memory()
  const settle = vi.spyOn(store, 'settle')
  const log = say as Logger['warn'] | undefined
  const gate = places && { gate: { places: places as () => number } }
  const postern = createPostern({
    store,
    sources: { shop: source },
    handlers: (on) => [
      on('shop', '*', handler, { name: 'hostile', ...gate }),
      on('shop', '*', () => {}, { name: 'other' }),
    ],
    log: log
      ? { debug: log, info: log, warn: log, error: log }
      : { debug() {}, info() {}, warn() {}, error() {} },
    ...(observe && { observe: observe as (occurrence: Occurrence) => void }),
    retry: { baseMs: 60_000 },
    random: () => 0.9,
  })
  const body = '{"id":"evt_1","type":"order.paid"}'
  const headers = sign(source, { body, nowMs: 0 })
  await postern.fetch(new Request('http://inbox.test/webhooks/shop', { method: 'POST', headers, body }))
  return { postern, settle, deliveries: async () => (await store.get(1))?.deliveries ?? [] }
}
