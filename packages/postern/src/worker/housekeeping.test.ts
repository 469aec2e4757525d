import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { PruneRequest, PruneResult } from '../inbox/index.ts'
import { Housekeeping } from './housekeeping.ts'

const MINUTE_MS = 60_000
const RETENTION_MS = 1000

let warnings: unknown[][] = []

beforeEach(() => {
  warnings = []
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

test('a round prunes batch after batch until one is not full', async () => {
  const { housekeeping, requests } = over([full(), { events: 3, dedupeRecords: 500 }, nothing()])
  await housekeeping.once()
  expect(requests).toEqual(Array.from({ length: 3 }, () => ({ eventsOlderThanMs: RETENTION_MS, limit: 500 })))
})

test('a round ends after 100 batches, however much is left', async () => {
  const { housekeeping, requests } = over(Array.from({ length: 1000 }, full))
  await housekeeping.once()
  expect(requests).toHaveLength(100)
})

test('a round is made each minute', async () => {
  const { housekeeping, requests } = over([])
  housekeeping.start()
  housekeeping.start()
  await vi.advanceTimersByTimeAsync(MINUTE_MS - 1)
  expect(requests).toHaveLength(0)
  await vi.advanceTimersByTimeAsync(1)
  expect(requests).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(3 * MINUTE_MS)
  expect(requests).toHaveLength(4)
})

test('a round that lasts is joined, not made twice', async () => {
  const slow = slowStore()
  const { housekeeping } = slow
  housekeeping.start()
  const rounds = [housekeeping.once(), housekeeping.once()]
  await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)
  expect(slow.underWay).toHaveLength(1)
  slow.underWay[0]!(nothing())
  await Promise.all(rounds)
})

test('a store that fails is a warning, and asked again a minute later', async () => {
  const { housekeeping, requests } = over([new Error('disk full'), nothing()])
  housekeeping.start()
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(warnings).toMatchObject([[expect.any(String), { error: new Error('disk full') }]])
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(requests).toHaveLength(2)
  expect(warnings).toHaveLength(1)
})

test('a stop waits for the batch under way and begins no other', async () => {
  const slow = slowStore()
  const { housekeeping } = slow
  const round = housekeeping.once()
  let isOver = false
  const stopped = housekeeping.stop().then(() => (isOver = true))
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(isOver).toBe(false)
  slow.underWay[0]!(full())
  await Promise.all([round, stopped])
  expect(slow.underWay).toHaveLength(1)
})

test('after a stop there are no rounds, started again or not', async () => {
  const { housekeeping, requests } = over([])
  housekeeping.start()
  await housekeeping.stop()
  housekeeping.start()
  await housekeeping.once()
  await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)
  expect(requests).toEqual([])
})

function over(answers: readonly (PruneResult | Error)[]): {
  readonly housekeeping: Housekeeping
  readonly requests: readonly PruneRequest[]
} {
  const requests: PruneRequest[] = []
  const housekeeping = keeping(async (request) => {
    const answer = answers[requests.push(request) - 1] ?? nothing()
    if (answer instanceof Error) throw answer
    return answer
  })
  return { housekeeping, requests }
}

/** A store whose answers the test gives. */
function slowStore(): {
  readonly housekeeping: Housekeeping
  readonly underWay: readonly ((result: PruneResult) => void)[]
} {
  const underWay: ((result: PruneResult) => void)[] = []
  const housekeeping = keeping(() => new Promise((resolve) => underWay.push(resolve)))
  return { housekeeping, underWay }
}

function keeping(prune: (request: PruneRequest) => Promise<PruneResult>): Housekeeping {
  const log = { debug() {}, info() {}, warn: (...line: unknown[]) => warnings.push(line), error() {} }
  const housekeeping = new Housekeeping({ store: { prune }, retentionMs: RETENTION_MS, log })
  onTestFinished(() => void housekeeping.stop())
  return housekeeping
}

function full(): PruneResult {
  return { events: 500, dedupeRecords: 0 }
}

function nothing(): PruneResult {
  return { events: 0, dedupeRecords: 0 }
}
