import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { anEvent } from '../../testing/store-contract/fixtures.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { ClaimedRow, Operation, OperationOf } from './operation.ts'

const LEASE_MS = 3000
const KEEP_MS = 10_000
/** The store's clock when a test begins; it need not be the machine's. */
const NOW_MS = 1_750_000_000_000

let extended: OperationOf<'extend'>[] = []

beforeEach(() => {
  extended = []
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  return () => vi.useRealTimers()
})

test('a lease is prolonged by a whole one each third of it', () => {
  const keeper = aKeeper()
  keeper.claimed([1, 2])
  vi.advanceTimersByTime(2 * LEASE_MS)
  const leases = [1, 2].map((deliverySeq) => ({ deliverySeq, token: 7 }))
  expect(extended).toMatchObject([
    { verb: 'extend', leases, leaseMs: LEASE_MS, nowMs: NOW_MS + 1000 },
    { leases, nowMs: NOW_MS + 2000 },
    { leases, nowMs: NOW_MS + 3000 },
    { leases, nowMs: NOW_MS + 4000 },
    { leases, nowMs: NOW_MS + 5000 },
    { leases, nowMs: NOW_MS + 6000 },
  ])
})

// The columns are integers: a fraction is refused, and the lease is lost.
test('whole milliseconds are committed, whatever the clock says', () => {
  const keeper = aKeeper()
  vi.spyOn(performance, 'now').mockReturnValueOnce(0.25)
  keeper.claimed([1])
  vi.advanceTimersByTime(LEASE_MS)
  expect(extended.length).toBeGreaterThan(0)
  expect(extended.every(({ nowMs }) => Number.isSafeInteger(nowMs))).toBe(true)
})

test('it is kept for as long as its claim asked for, and not longer', () => {
  const keeper = aKeeper()
  keeper.claimed([1])
  vi.advanceTimersByTime(60_000)
  expect(extended.at(-1)!.nowMs).toBeLessThan(NOW_MS + KEEP_MS)
  expect(extended.at(-1)!.nowMs).toBeGreaterThan(NOW_MS + KEEP_MS - LEASE_MS)
})

test('it is left alone once it is settled, and its neighbour is not', () => {
  const keeper = aKeeper()
  keeper.claimed([1, 2])
  const outcome = { kind: 'succeeded' } as const
  keeper.noted(
    { verb: 'settle', settlements: [{ deliverySeq: 1, token: 7, outcome, durationMs: 1 }], nowMs: NOW_MS },
    [],
  )
  vi.advanceTimersByTime(LEASE_MS / 2)
  expect(extended.map(({ leases }) => leases.map(({ deliverySeq }) => deliverySeq))).toEqual([[2]])
})

test('a settle under an older token ends nothing', () => {
  const keeper = aKeeper()
  keeper.claimed([1])
  const outcome = { kind: 'succeeded' } as const
  keeper.noted(
    { verb: 'settle', settlements: [{ deliverySeq: 1, token: 6, outcome, durationMs: 1 }], nowMs: NOW_MS },
    [],
  )
  vi.advanceTimersByTime(LEASE_MS / 2)
  expect(extended).toHaveLength(1)
})

test('a claim that does not ask is not kept', () => {
  const keeper = aKeeper()
  keeper.claimed([1], { keepMs: 0 })
  vi.advanceTimersByTime(KEEP_MS)
  expect(extended).toEqual([])
})

test('what a put has leased is kept as well', () => {
  const keeper = aKeeper()
  const lease = { destination: 'handlers', leaseMs: LEASE_MS, keepMs: KEEP_MS }
  const row = { outcome: 'stored', eventSeq: 1, receivedMs: NOW_MS } as const
  keeper.noted({ verb: 'put', events: [anEvent(), anEvent({ lease })], nowMs: NOW_MS }, [
    row,
    { ...row, lease: { deliverySeq: 2, token: 1, destination: 'handlers', attempt: 1, eventSeq: 1 } },
  ])
  vi.advanceTimersByTime(LEASE_MS / 2)
  expect(extended).toMatchObject([{ leases: [{ deliverySeq: 2, token: 1 }] }])
})

test('a checkpoint, which has no time, does not set the clock back', () => {
  const keeper = aKeeper()
  keeper.claimed([1])
  keeper.noted({ verb: 'checkpoint', nowMs: 0 }, undefined)
  vi.advanceTimersByTime(LEASE_MS)
  expect(extended.map(({ nowMs }) => nowMs)).toEqual([NOW_MS + 1000, NOW_MS + 2000, NOW_MS + 3000])
})

test('a short lease is in time beside a long one that came before it', () => {
  const keeper = aKeeper()
  keeper.claimed([1], { leaseMs: 300_000, keepMs: 600_000 })
  keeper.claimed([2])
  vi.advanceTimersByTime(LEASE_MS / 2)
  expect(extended).toMatchObject([{ leases: [{ deliverySeq: 2 }], leaseMs: LEASE_MS }])
})

test('closed, it prolongs nothing more', () => {
  const keeper = aKeeper()
  keeper.claimed([1])
  keeper.close()
  vi.advanceTimersByTime(KEEP_MS)
  expect(extended).toEqual([])
})

/** A keeper with shorthands for what it is told. */
function aKeeper(): {
  claimed(seqs: readonly number[], change?: { readonly leaseMs?: number; readonly keepMs?: number }): void
  noted(operation: Operation, value: unknown): void
  close(): void
} {
  const keeper = new LeaseKeeper((operation) => void extended.push(operation))
  onTestFinished(() => keeper.close())
  const noted = (operation: Operation, value: unknown): void =>
    keeper.note([operation], [{ ok: true, value: value as undefined }])
  return {
    noted,
    close: () => keeper.close(),
    claimed(seqs, { leaseMs = LEASE_MS, keepMs = KEEP_MS } = {}) {
      // The keeper looks at nothing else of them.
      const claimed = seqs.map((deliverySeq) => ({ deliverySeq, token: 7 }) as ClaimedRow)
      noted(
        { verb: 'claim', destinations: [], leaseMs, keepMs, nowMs: NOW_MS },
        { claimed, nextMs: undefined },
      )
    },
  }
}
