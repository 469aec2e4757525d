import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Lease, NewEvent, Settlement } from '../../inbox/index.ts'
import { sqlite, type SqliteEffect, type SqliteStore } from './index.ts'
import { anEvent as aNewEvent } from '../../testing/store-contract/fixtures.ts'

/** More than one statement takes, and not a multiple of it. */
const MANY = 37
const NOW_MS = 1_750_000_000_000

let store: SqliteStore
let folder: string

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('successes that are settled together', () => {
  test('are each fenced by their own token, and leave all others as they were', async () => {
    const leases = await leased(MANY)
    const stale = leases.map(({ deliverySeq, token }, index) => ({
      deliverySeq,
      token: index % 5 === 0 ? token + 1 : token,
    }))
    const results = await store.settle(stale.map(success))
    expect(results.map(({ result }) => result)).toEqual(
      stale.map((_, index) => (index % 5 === 0 ? 'lost' : 'settled')),
    )
    const states = await Promise.all(leases.map(({ eventSeq }) => deliveriesOf(eventSeq)))
    expect(states.flat()).toEqual(
      stale.map((_, index) =>
        index % 5 === 0 ? { state: 'leased', attempts: 0 } : { state: 'succeeded', attempts: 1 },
      ),
    )
    const again = await store.settle(leases.map(success))
    expect(again.map(({ result }) => result)).toEqual(
      leases.map((_, index) => (index % 5 === 0 ? 'settled' : 'lost')),
    )
  })

  test('count once where one comes twice, and the first of two outcomes holds', async () => {
    const leases = await leased(MANY)
    const [first, second] = leases
    if (first === undefined || second === undefined) throw new Error('nothing was leased')
    const retry: Settlement<SqliteEffect> = {
      ...first,
      outcome: { kind: 'retry', error: 'no', afterMs: 1 },
      durationMs: 1,
    }
    const results = await store.settle([retry, ...leases.map(success), success(second)])
    expect(results.map(({ result }) => result)).toEqual([
      'settled',
      'lost',
      ...leases.slice(1).map(() => 'settled'),
      'lost',
    ])
  })
})

describe('events that are put together', () => {
  test('are each stored as they are, whatever they have in common', async () => {
    open()
    const events = Array.from({ length: MANY }, (_, index) =>
      anEvent(`e${index}`, {
        source: index % 7 === 0 ? 'other' : 'shop',
        type: index % 3 === 0 ? 'refunded' : 'paid',
        idKind: index % 4 === 0 ? 'unsigned' : 'signed',
        createdMs: index % 2 === 0 ? NOW_MS - index : undefined,
        destinations: ['a', 'b', 'c'].slice(index % 4),
        lease: index % 5 === 0 ? { destination: 'a', leaseMs: 1000 } : undefined,
        ...(index % 6 === 0 && { orderingKey: `key ${index % 2}`, onDead: 'block' }),
      }),
    )
    const results = await store.put(events)
    expect(results.map(({ outcome }) => outcome)).toEqual(events.map(() => 'stored'))
    for (const [index, event] of events.entries()) {
      const result = results[index]
      const detail = result?.outcome === 'stored' ? await store.get(result.eventSeq) : undefined
      const { source, type, id, createdMs, orderingKey, headers } = event
      expect(detail?.event).toMatchObject({ source, type, id, createdMs, orderingKey, headers })
      expect(Buffer.from(detail?.event.body ?? []).toString()).toBe(id)
      const isLeased = result?.outcome === 'stored' && result.leased !== undefined
      expect(detail?.deliveries.map(({ destination, state }) => [destination, state])).toEqual(
        event.destinations.map((name) => [name, isLeased && name === 'a' ? 'leased' : 'pending']),
      )
    }
  })
})

function open(): void {
  folder = mkdtempSync(join(tmpdir(), 'postern-together-'))
  store = sqlite(join(folder, 'postern.db'), { writer: 'inline', now: () => NOW_MS })
}

async function leased(count: number): Promise<(Lease & { readonly eventSeq: number })[]> {
  open()
  await store.put(Array.from({ length: count }, (_, index) => anEvent(`e${index}`)))
  const claimed = await store.claim({
    destinations: [{ name: 'a', limit: count }],
    leaseMs: 1000,
    waitMs: 0,
  })
  return claimed.map(({ deliverySeq, token, event }) => ({ deliverySeq, token, eventSeq: event.eventSeq }))
}

function success({ deliverySeq, token }: Lease): Settlement<SqliteEffect> {
  return { deliverySeq, token, outcome: { kind: 'succeeded' }, durationMs: 2.5 }
}

async function deliveriesOf(eventSeq: number): Promise<{ state: string; attempts: number }[]> {
  const detail = await store.get(eventSeq)
  return (detail?.deliveries ?? []).map(({ state, attempts }) => ({ state, attempts: attempts.length }))
}

function anEvent(id: string, change: Partial<NewEvent> = {}): NewEvent {
  return aNewEvent({ id, body: Buffer.from(id), headers: ['x-id', id], destinations: ['a'], ...change })
}
