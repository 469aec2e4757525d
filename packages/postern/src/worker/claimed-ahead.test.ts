import { afterEach, expect, test, vi } from 'vitest'
import type { Claimed } from '../inbox/index.ts'
import { ClaimedAhead } from './claimed-ahead.ts'

afterEach(() => void vi.restoreAllMocks())

function claimed(deliverySeq: number): Claimed {
  // No more of it is looked at.
  return { deliverySeq, token: 1, destination: 'handlers', attempt: 1 } as Claimed
}

test('what has waited too long begins no more, also where the event loop was held up and no timer has rung', () => {
  let nowMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  const given: number[] = []
  let uncounted = 0
  const ahead = new ClaimedAhead(400, ({ deliverySeq }) => given.push(deliverySeq))
  for (const seq of [1, 2, 3]) ahead.add(claimed(seq), () => (uncounted += 1))
  nowMs = 99
  expect(ahead.next('handlers')?.deliverySeq).toBe(1)
  ahead.add(claimed(4), () => (uncounted += 1))
  nowMs = 100
  expect(ahead.next('handlers')?.deliverySeq).toBe(4)
  expect(given).toEqual([2, 3])
  expect(uncounted).toBe(2)
  expect(ahead.next('handlers')).toBeUndefined()
  ahead.giveBackAll()
})
