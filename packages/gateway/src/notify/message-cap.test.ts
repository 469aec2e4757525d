import { expect, test } from 'vitest'
import { MessageCap } from './message-cap.ts'

test('in no 60 seconds are there more messages than allowed, whatever waits', () => {
  const cap = new MessageCap(7, () => 0)
  const begun: number[] = []
  for (let nowMs = 0; nowMs < 600_000; nowMs += 500) {
    if (cap.places(nowMs) >= 1 && (nowMs * 7919) % 13 < 9) {
      cap.begin(nowMs)
      begun.push(nowMs)
    }
  }
  const busiest = Math.max(
    ...begun.map((from) => begun.filter((at) => at >= from && at < from + 60_000).length),
  )
  expect(busiest).toBe(7)
  expect(begun.length).toBeGreaterThanOrEqual(70)
})

test('what comes when the minute has no more is gathered, once there is room', () => {
  let gathered = 0
  const cap = new MessageCap(2, () => gathered)
  expect([cap.places(0), cap.isGathering, cap.opensAtMs(0)]).toEqual([2, false, undefined])
  cap.begin(0)
  expect([cap.places(1000), cap.isGathering]).toEqual([1, false])
  cap.begin(1000)
  expect([cap.places(1000), cap.isGathering, cap.opensAtMs(1000)]).toEqual([0, true, 60_000])
  expect(cap.places(59_999)).toBe(0)
  expect([cap.places(60_000), cap.opensAtMs(60_000)]).toEqual([500, undefined])
  gathered = 500
  expect(cap.places(60_000)).toBe(0)
  gathered = 0
  cap.begin(60_000)
  // Of the two one began at 1 s, so that there is no more until 61 s.
  expect([cap.places(60_500), cap.isGathering]).toEqual([0, true])
  cap.begin(61_000)
  expect(cap.places(120_999)).toBe(500)
})
