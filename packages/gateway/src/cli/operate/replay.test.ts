import { describe, expect, test } from 'vitest'
import { standardWebhooks } from 'postern/providers'
import { SOURCE_SECRET } from '../../../../../test/support/forwarding.ts'
import { operated, type Operated } from '../../../../../test/support/operated.ts'

const POST = { method: 'POST', headers: { 'content-type': 'application/json' } }

async function deliveries({ store }: Operated, eventSeq: number): Promise<readonly string[]> {
  const detail = await store.get(eventSeq)
  return detail?.deliveries.map(({ destination, state }) => `${destination} ${state}`) ?? []
}

/** With `billing`, which has all of `shop`, a handler of one type, and one of another source. */
function withHandlers(): Promise<Operated> {
  return operated({
    sources: { other: standardWebhooks({ secret: SOURCE_SECRET }) },
    handlers: (on) => [
      on('shop', 'order.paid', () => {}),
      on('other', '*', () => {}, { name: 'of-the-other' }),
    ],
  })
}

describe('an event is delivered again', () => {
  test('to all that it would go to if it came now', async () => {
    const gateway = await withHandlers()
    await gateway.put({ destinations: ['billing'] })
    await gateway.settle('billing', { kind: 'succeeded' })
    const { code, out } = await gateway.cli('replay', '1')
    expect([code, out.split('\n').toSorted()]).toEqual([
      0,
      [
        '',
        expect.stringMatching(/^event 1 is due again at billing: delivery \d+$/),
        expect.stringMatching(/^event 1 is due again at handlers: delivery \d+$/),
      ],
    ])
    expect((await deliveries(gateway, 1)).toSorted()).toEqual([
      'billing pending',
      'billing succeeded',
      'handlers pending',
    ])
  })

  test('to the destinations that are named', async () => {
    const gateway = await withHandlers()
    await gateway.put({ type: 'order.lost', destinations: [] })
    const { out } = await gateway.cli('replay', '1', '--destination', 'billing', '--json')
    expect(JSON.parse(out)).toEqual({
      outcome: 'replayed',
      deliveries: [{ deliverySeq: 1, destination: 'billing' }],
    })
    const path = '/api/events/1/replay?destination=billing&destination=billing'
    expect((await gateway.ask(path, POST)).status).toBe(200)
    expect(await deliveries(gateway, 1)).toEqual(['billing pending', 'billing pending'])
  })

  test('that had none since nothing took it when it came', async () => {
    const gateway = await withHandlers()
    await gateway.put({ source: 'other', destinations: [] })
    expect((await gateway.cli('replay', '1')).code).toBe(0)
    expect(await deliveries(gateway, 1)).toEqual(['of-the-other pending'])
  })

  test('where a redrive is refused since it has succeeded', async () => {
    const gateway = await operated()
    await gateway.put({})
    await gateway.settle('billing', { kind: 'succeeded' })
    expect((await gateway.cli('redrive', '1')).err).toContain('To deliver its event again: postern replay 1')
  })
})

describe('nothing is delivered, and why is said', () => {
  test.each([
    [['1'], "nothing here takes event 1, 'order.lost' of the source 'other'"],
    [['99'], 'there is no event 99'],
    [['1', '--destination', 'nosuch'], "there is no destination 'nosuch'; there are: billing, handlers\n"],
    [
      ['1', '--destination', 'handlers', '--destination', 'billing'],
      "handlers and billing have no handler or route for event 1, 'order.lost' of the source 'other'",
    ],
  ])('postern replay %j', async (args, told) => {
    const gateway = await operated({
      sources: { other: standardWebhooks({ secret: SOURCE_SECRET }) },
      handlers: (on) => [on('shop', '*', () => {})],
    })
    await gateway.put({ source: 'other', type: 'order.lost', destinations: [] })
    const { code, out, err } = await gateway.cli('replay', ...args)
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(`error: ${told}`)
    expect(await deliveries(gateway, 1)).toEqual([])
  })

  test.each([['x'], ['-1'], ['1', '--destination', '../x'], []])(
    'postern replay %s is a slip',
    async (...args) => {
      expect(
        (await (await operated()).cli('replay', ...args.filter((each) => each !== undefined))).code,
      ).toBe(2)
    },
  )

  test.each<[string, string, Record<string, string>, string | undefined, number]>([
    ['a GET', 'GET', POST.headers, undefined, 404],
    ['a form', 'POST', { 'content-type': 'application/x-www-form-urlencoded' }, undefined, 415],
    ['a page of another origin', 'POST', { ...POST.headers, origin: 'https://evil.example' }, undefined, 403],
    ['somebody without the token', 'POST', POST.headers, 'a-token-of-enough-length', 401],
  ])('to %s', async (_what, method, headers, token, status) => {
    const gateway = await operated(token === undefined ? {} : { token })
    await gateway.put({ destinations: [] })
    expect((await gateway.ask('/api/events/1/replay', { method, headers })).status).toBe(status)
    expect(await deliveries(gateway, 1)).toEqual([])
  })

  test('with a parameter that is none', async () => {
    const gateway = await operated()
    await gateway.put({ destinations: [] })
    expect((await gateway.ask('/api/events/1/replay?destinations=billing', POST)).status).toBe(400)
    expect(await deliveries(gateway, 1)).toEqual([])
  })
})
