import { describe, expect, onTestFinished, test } from 'vitest'
import { createPostern, type Postern, type PosternOptions } from './postern.ts'
import { custom } from './providers/index.ts'
import { memory, type MemoryStore } from './stores/memory/index.ts'
import { bodyScheme } from '../../../test/support/body-scheme.ts'

const shop = custom({
  secret: 'a secret of more than sixteen bytes',
  scheme: bodyScheme,
  envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
})
const sources = { shop, other: shop }
const log = { debug() {}, info() {}, warn() {}, error() {} }

type Handlers = NonNullable<PosternOptions<typeof sources, never>['handlers']>

function inbox(store: MemoryStore, handlers: Handlers): Postern {
  const postern = createPostern({ store, sources, handlers, log })
  onTestFinished(() => postern.stop({ graceMs: 0 }))
  return postern
}

/** Records an event of `shop`; another body under one id is a conflict. */
function record(postern: Postern, id: string, body = '{"n":1}'): ReturnType<Postern['record']> {
  return postern.record('shop', { id, witness: 'test', type: 'order.paid', body })
}

/** Handlers that note what they have had, as `destination:id`. */
function noting(): { readonly had: string[]; note(name: string): (event: { readonly id: string }) => void } {
  const had: string[] = []
  return { had, note: (name) => (event) => void had.push(`${name}:${event.id}`) }
}

describe('a replay', () => {
  test('delivers an event again, to all that it would go to if it came now', async () => {
    const { had, note } = noting()
    const postern = inbox(memory(), (on) => [
      on('shop', 'order.paid', note('handlers')),
      on('shop', '*', note('audit'), { name: 'audit' }),
      on('shop', 'order.lost', note('lost'), { name: 'lost' }),
      on('shop', '*', note('picky'), { name: 'picky', when: ({ id }) => id !== 'a' }),
    ])
    await record(postern, 'a')
    await postern.drain()
    expect(await postern.replay(1)).toEqual({
      outcome: 'replayed',
      deliveries: [
        { deliverySeq: 3, destination: 'handlers' },
        { deliverySeq: 4, destination: 'audit' },
      ],
    })
    await postern.drain()
    expect(had.toSorted()).toEqual(['audit:a', 'audit:a', 'handlers:a', 'handlers:a'])
  })

  test('goes to what is named, whatever its condition says', async () => {
    const { had, note } = noting()
    const postern = inbox(memory(), (on) => [
      on('shop', '*', note('handlers')),
      on('shop', '*', note('picky'), { name: 'picky', when: () => false }),
    ])
    await record(postern, 'a')
    const twice = { destinations: ['picky', 'picky'] }
    expect(await postern.replay(1, twice)).toMatchObject({ deliveries: [{ destination: 'picky' }] })
    await postern.drain()
    expect(had.toSorted()).toEqual(['handlers:a', 'picky:a'])
  })

  test('brings back an event that nothing handled when it came', async () => {
    const { had, note } = noting()
    const store = memory()
    await record(
      inbox(store, () => []),
      'a',
    )
    expect((await store.get(1))?.deliveries).toEqual([])
    const postern = inbox(store, (on) => [on('shop', 'order.paid', note('handlers'))])
    expect(await postern.replay(1)).toMatchObject({ outcome: 'replayed' })
    await postern.drain()
    expect(had).toEqual(['handlers:a'])
  })

  test('lets a conflict go that was held', async () => {
    const { had, note } = noting()
    const postern = inbox(memory(), (on) => [
      on('shop', '*', async (event) => note(Buffer.from(event.body).toString())(event)),
    ])
    await record(postern, 'a', '{"n":1}')
    expect(await record(postern, 'a', '{"n":2}')).toEqual({ outcome: 'conflict', eventSeq: 2 })
    await postern.drain()
    expect(had).toEqual(['{"n":1}:a'])
    await postern.replay(2)
    await postern.drain()
    expect(had).toEqual(['{"n":1}:a', '{"n":2}:a'])
  })
})

describe('nothing is made', () => {
  test('of an event that is not there', async () => {
    expect(await inbox(memory(), () => []).replay(1)).toEqual({ outcome: 'unknown' })
  })

  test('where nothing handles it now either', async () => {
    const postern = inbox(memory(), (on) => [on('shop', 'order.lost', () => {})])
    await record(postern, 'a')
    expect(await postern.replay(1)).toEqual({
      outcome: 'unhandled',
      source: 'shop',
      type: 'order.paid',
      destinations: [],
    })
  })

  test('where one of the destinations that are named takes nothing of it', async () => {
    const store = memory()
    const postern = inbox(store, (on) => [
      on('shop', '*', () => {}),
      on('other', '*', () => {}, { name: 'of-the-other' }),
    ])
    await record(postern, 'a')
    const destinations = ['handlers', 'of-the-other', 'nosuch']
    expect(await postern.replay(1, { destinations })).toMatchObject({
      outcome: 'unhandled',
      destinations: ['of-the-other', 'nosuch'],
    })
    expect((await store.get(1))?.deliveries).toHaveLength(1)
  })
})
