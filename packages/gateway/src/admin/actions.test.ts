import { memory } from 'postern/memory'
import { afterEach, describe, expect, test } from 'vitest'
import { storedEvent } from '../../../../test/support/forwarding.ts'
import type { DestinationStatus } from '../forward/index.ts'
import { AdminServer } from './admin-server.ts'
import type { DestinationControl } from './api.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const JSON_TYPE = { 'content-type': 'application/json' }
const open: AdminServer[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

/** Stands for what sends events on: one destination, `billing`. */
class Billing implements DestinationControl {
  isPaused = false

  list(): readonly DestinationStatus[] {
    const state = this.isPaused ? 'paused' : 'open'
    return [
      { name: 'billing', origin: 'https://billing.example', state, pausedSinceMs: undefined, inFlight: 0 },
    ]
  }

  async setPaused(name: string, isPaused: boolean): Promise<boolean> {
    if (name !== 'billing') return false
    this.isPaused = isPaused
    return true
  }
}

interface Api {
  readonly store: ReturnType<typeof memory>
  readonly billing: Billing
  ask(
    path: string,
    method?: string,
    headers?: Record<string, string>,
  ): Promise<[status: number, body: unknown]>
}

async function api(events = 0, token?: string): Promise<Api> {
  const [store, billing] = [memory(), new Billing()]
  await store.put(Array.from({ length: events }, (_, index) => storedEvent(index, ['billing', 'audit'])))
  const access = { isLoopback: true, token }
  const server = new AdminServer({
    store,
    secretUse: async () => [],
    replay: async () => ({ outcome: 'unknown' }),
    destinations: ['handlers', 'billing'],
    forwarding: billing,
    access,
    log: silent,
  })
  open.push(server)
  const { port } = await server.listen('127.0.0.1', 0)
  return {
    store,
    billing,
    async ask(path, method = 'GET', headers = JSON_TYPE) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers })
      return [response.status, await response.json()]
    },
  }
}

/** Makes dead what is pending at one destination. */
async function kill({ store }: Api, name: string): Promise<void> {
  const claimed = await store.claim({ destinations: [{ name, limit: 10_000 }], leaseMs: 1000, waitMs: 0 })
  const outcome = { kind: 'dead', error: 'no' } as const
  await store.settle(claimed.map((each) => ({ ...each, outcome, durationMs: 1 })))
}

describe('destinations', () => {
  test('are listed with what waits for them, configured or not', async () => {
    const { ask } = await api(2)
    expect(await ask('/api/destinations')).toEqual([
      200,
      {
        destinations: [
          expect.objectContaining({ name: 'audit', pending: 2, dead: 0 }),
          expect.objectContaining({
            name: 'billing',
            pending: 2,
            state: 'open',
            origin: 'https://billing.example',
          }),
          expect.objectContaining({ name: 'handlers', pending: 0, dead: 0 }),
        ],
      },
    ])
  })

  test('are paused and resumed', async () => {
    const { ask, billing } = await api()
    expect(await ask('/api/destinations/billing/pause', 'POST')).toMatchObject([200, { state: 'paused' }])
    expect(billing.isPaused).toBe(true)
    expect(await ask('/api/destinations/billing/resume', 'POST')).toMatchObject([200, { state: 'open' }])
    expect(billing.isPaused).toBe(false)
  })

  test('that are handlers are not paused', async () => {
    const { ask } = await api(1)
    for (const name of ['audit', 'handlers'])
      expect(await ask(`/api/destinations/${name}/pause`, 'POST')).toMatchObject([
        409,
        { destinations: ['billing'] },
      ])
  })

  test.each(['pause', 'resume', 'redrive', 'cancel', 'discard'])(
    'that are not there are said to be not there, for %s',
    async (verb) =>
      expect(await (await api(1)).ask(`/api/destinations/nosuch/${verb}`, 'POST')).toEqual([
        404,
        {
          error: "there is no destination 'nosuch'; there are: audit, billing, handlers",
          destinations: ['audit', 'billing', 'handlers'],
        },
      ]),
  )
})

describe('deliveries', () => {
  test('are listed by state and destination', async () => {
    const all = await api(3)
    await kill(all, 'audit')
    const [status, body] = await all.ask('/api/deliveries?state=dead&limit=2')
    expect([status, body]).toMatchObject([200, { deliveries: [{ destination: 'audit', error: 'no' }, {}] }])
    expect(await all.ask('/api/deliveries?state=dead&destination=billing')).toMatchObject([
      200,
      { deliveries: [] },
    ])
    expect(await all.ask('/api/deliveries?state=dead&destination=biling')).toMatchObject([
      404,
      { error: "there is no destination 'biling'; there are: audit, billing, handlers" },
    ])
    expect((await all.ask('/api/deliveries?state=lost'))[0]).toBe(400)
    expect((await all.ask('/api/deliveries?tenant=x'))[0]).toBe(400)
  })

  test('are redriven, cancelled and discarded one at a time, where their state allows it', async () => {
    const all = await api(1)
    expect(await all.ask('/api/deliveries/1/redrive', 'POST')).toEqual([
      409,
      {
        result: 'illegal',
        error: 'delivery 1 is pending, and only what is dead can be redriven',
        state: 'pending',
        eventSeq: 1,
      },
    ])
    await kill(all, 'billing')
    expect(await all.ask('/api/deliveries/1/redrive', 'POST')).toEqual([200, { result: 'moved' }])
    expect(await all.ask('/api/deliveries/1/cancel', 'POST')).toEqual([200, { result: 'moved' }])
    expect(await all.ask('/api/deliveries/99/redrive', 'POST')).toEqual([
      404,
      { result: 'unknown', error: 'there is no delivery 99' },
    ])
  })

  test('of a destination are moved all together, in batches', async () => {
    const all = await api(1200)
    await kill(all, 'billing')
    const moved: number[] = []
    const redrive = '/api/destinations/billing/redrive'
    for (let next: Readonly<Record<string, number>> | undefined = {}; next !== undefined;) {
      const query = Object.entries(next).map(([name, value]) => `${name}=${value}`)
      const [, body] = await all.ask(`${redrive}?${query.join('&')}`, 'POST')
      const batch = body as { readonly moved: number; readonly next?: typeof next }
      moved.push(batch.moved)
      next = batch.next
    }
    expect(moved.reduce((sum, each) => sum + each, 0)).toBe(1200)
    expect(Math.max(...moved)).toBe(500)
    const { destinations } = await all.store.stat()
    expect(destinations.toSorted((left, right) => (left.name < right.name ? -1 : 1))).toMatchObject([
      { name: 'audit', pending: 1200, dead: 0 },
      { name: 'billing', pending: 1200, dead: 0 },
    ])
    for (const query of ['before=x', 'after=x', 'after=0', 'before=1&limit=1'])
      expect((await all.ask(`${redrive}?${query}`, 'POST'))[0]).toBe(400)
    expect((await all.ask('/api/destinations/billing/discard?after=1', 'POST'))[0]).toBe(400)
  })
})

describe('nothing is changed by', () => {
  const path = '/api/destinations/billing/pause'

  test.each<[string, string, Record<string, string>, number]>([
    ['a GET', 'GET', JSON_TYPE, 404],
    ['a DELETE', 'DELETE', JSON_TYPE, 405],
    ['a form', 'POST', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a text', 'POST', { 'content-type': 'text/plain' }, 415],
    ['no type at all', 'POST', {}, 415],
    ['a page of another origin', 'POST', { ...JSON_TYPE, origin: 'https://evil.example' }, 403],
    ['a page of no origin', 'POST', { ...JSON_TYPE, origin: 'null' }, 403],
    ['a page of another site', 'POST', { ...JSON_TYPE, 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of a sibling', 'POST', { ...JSON_TYPE, 'sec-fetch-site': 'same-site' }, 403],
    ['a page of another port', 'POST', { ...JSON_TYPE, origin: 'http://127.0.0.1:1' }, 403],
  ])('%s', async (_what, method, headers, status) => {
    const { ask, billing } = await api()
    expect((await ask(path, method, headers))[0]).toBe(status)
    expect(billing.isPaused).toBe(false)
  })

  test('somebody without the token', async () => {
    const { ask, billing } = await api(0, 'a-token-of-enough-length')
    expect((await ask(path, 'POST'))[0]).toBe(401)
    expect(billing.isPaused).toBe(false)
  })

  test.each([
    '/api/destinations/billing/burn',
    '/api/destinations/../billing/pause',
    '/api/deliveries/x/redrive',
    '/api/deliveries/1/toString',
    '/api/events',
  ])('a POST to %s', async (unknown) => expect((await (await api(1)).ask(unknown, 'POST'))[0]).toBe(405))
})
