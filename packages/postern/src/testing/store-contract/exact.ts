import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  at,
  bytes,
  claim,
  claimOne,
  deliveryOf,
  detail,
  duplicateOf,
  LEASE_MS,
  leasedOf,
  ODD_TEXTS,
  only,
  put,
  putStored,
  settle,
} from './fixtures.ts'
import type { ContractStore } from './harness.ts'

export const exactCases: readonly ContractCase[] = [
  ...cases('exact/bytes', {
    'all 256 byte values come back': async (store) => {
      await assertSame(
        store,
        Uint8Array.from({ length: 256 }, (_, value) => value),
      )
    },
    'an empty body comes back empty': async (store) => {
      await assertSame(store, new Uint8Array(0))
    },
    'a body of 1 MiB comes back': async (store) => {
      await assertSame(
        store,
        Uint8Array.from({ length: 1024 * 1024 }, (_, index) => (index * 31 + 7) & 0xff),
      )
    },
    'a body that is part of a larger buffer comes back alone': async (store) => {
      const whole = bytes('before{"total":1}after')
      const body = whole.subarray(6, 17)
      await assertSame(store, body)
      assert.deepEqual(whole, bytes('before{"total":1}after'), 'The caller’s buffer must be left as it was')
    },
    'bytes that are no text come back': async (store) => {
      await assertSame(store, Uint8Array.of(0xff, 0xfe, 0x00, 0xc3, 0x28, 0xed, 0xa0, 0x80))
    },
    'bodies of many sizes in one array keep their own bytes': async (store) => {
      const bodies = [0, 1, 65_536, 3, 0, 100_000, 7].map((size, index) =>
        new Uint8Array(size).fill(index + 1),
      )
      await store.put(bodies.map((body, index) => anEvent({ id: `evt_${index}`, body })))
      const claimed = await claim(store)
      assert.equal(claimed.length, bodies.length)
      for (const [index, body] of bodies.entries()) assertBytes(at(claimed, index).event.body, body)
    },
  }),
  ...cases('exact/text', {
    'odd text comes back as it was, wherever it stands': async (store) => {
      for (const text of ODD_TEXTS) {
        const names = {
          tenant: text,
          source: text,
          id: text,
          type: text,
          orderingKey: text,
          verifiedBy: text,
        }
        const headers = ['x-text', text, 'x-text', text, 'x-empty', '']
        const event = anEvent({ ...names, headers, destinations: [text] })
        const eventSeq = await putStored(store, event)
        const stored = (await claimOne(store, { destinations: [{ name: text, limit: 5 }] })).event
        assert.deepEqual(stored, { ...(await detail(store, eventSeq)).event })
        for (const [name, value] of Object.entries({ ...names, headers })) {
          assert.deepEqual(Object.entries(stored).find(([key]) => key === name)?.[1], value, name)
        }
        duplicateOf(await put(store, event), eventSeq)
      }
    },
    'odd text in errors and destinations comes back': async (store) => {
      for (const text of ODD_TEXTS) {
        const eventSeq = await putStored(store, anEvent({ id: text, destinations: [text] }))
        const lease = await claimOne(store, { destinations: [{ name: text, limit: 5 }] })
        assert.equal(lease.destination, text)
        await settle(store, lease, { kind: 'dead', error: text })
        const { error, destination, attempts } = await deliveryOf(store, eventSeq)
        assert.deepEqual([error, destination, only(attempts).error], [text, text, text])
      }
    },
    'odd text names lines, and deliveries that are leased at their put or replayed': async (store) => {
      for (const text of ODD_TEXTS) {
        const names = { source: text, orderingKey: text, onDead: 'block', destinations: [text] } as const
        const lease = { destination: text, leaseMs: LEASE_MS }
        const first = await put(store, anEvent({ ...names, id: `1 ${text}`, lease }))
        assert.equal(leasedOf(first).destination, text)
        const second = await putStored(store, anEvent({ ...names, id: `2 ${text}` }))
        const behind = only(duplicateOf(await put(store, anEvent({ ...names, id: `2 ${text}` })), second))
        assert.deepEqual([behind.destination, behind.state], [text, 'pending'])
        assert.equal((await deliveryOf(store, second)).orderingKey, text)
        await store.replay([{ eventSeq: second, destinations: [text] }])
      }
      const served = ODD_TEXTS.map((name) => ({ name, limit: 5 }))
      const { destinations } = await store.stat()
      const counts = new Map(destinations.map(({ name, leased, pending }) => [name, [leased, pending]]))
      assert.deepEqual(counts, new Map(ODD_TEXTS.map((name) => [name, [1, 2]])))
      assert.deepEqual(
        await claim(store, { destinations: served }),
        [],
        'All wait for the first of their key',
      )
      for (const text of ODD_TEXTS) {
        const page = await store.list({ of: 'deliveries', destination: text, limit: 5 })
        assert.deepEqual(
          page.deliveries.map(({ destination }) => destination),
          [text, text, text],
        )
      }
    },
    'odd text filters for itself only': async (store) => {
      const texts = [...ODD_TEXTS, 'a%c', 'abc', 'ABC', 'a_c', 'a', '']
      for (const text of texts) {
        await putStored(store, anEvent({ id: text, source: text, type: text, destinations: [] }))
      }
      for (const text of texts) {
        const page = await store.list({ of: 'events', source: text, type: text, limit: 100 })
        assert.equal(only(page.events).id, text)
      }
    },
    'an id of 255 characters and a header of 8 KB come back': async (store) => {
      const id = '🪝'.repeat(127)
      const headers = ['x-long', 'v'.repeat(8192)]
      const eventSeq = await putStored(store, anEvent({ id, headers }))
      const { event } = await detail(store, eventSeq)
      assert.deepEqual([event.id, event.headers], [id, headers])
    },
    'large numbers come back': async (store) => {
      const createdMs = 8_640_000_000_000_000
      const eventSeq = await putStored(store, anEvent({ createdMs }))
      assert.equal((await detail(store, eventSeq)).event.createdMs, createdMs)
    },
  }),
]

async function assertSame(store: ContractStore, body: Uint8Array): Promise<void> {
  const eventSeq = await putStored(store, anEvent({ body }))
  const fromGet = (await detail(store, eventSeq)).event.body
  const fromClaim = (await claimOne(store)).event.body
  for (const found of [fromGet, fromClaim]) assertBytes(found, body)
}

/** Without a difference to print: Node 24 takes minutes to find it in 100,000 bytes. */
function assertBytes(found: Uint8Array, expected: Uint8Array): void {
  assert.ok(Buffer.from(found).equals(expected), `${expected.byteLength} bytes must come back exactly`)
}
