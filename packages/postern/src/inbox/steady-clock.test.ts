import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { SteadyClock } from './steady-clock.ts'

const START_MS = 1_750_000_000_000
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const YEAR = 365 * DAY

let wallMs = START_MS
let monotonicMs = 5000.25
let clock = aClock()

beforeEach(() => {
  wallMs = START_MS
  monotonicMs = 5000.25
  clock = aClock()
})

describe('a clock that nobody sets', () => {
  test('is the wall clock', () => {
    pass(90.5)
    expect(clock.nowMs()).toBe(START_MS + 90.5)
    pass(3 * DAY)
    expect(clock.nowMs()).toBe(wallMs)
    expect(clock.aheadMs).toBe(0)
  })

  test('is the wall clock still where NTP has steered it', () => {
    for (let count = 0; count < 100; count += 1) {
      pass(MINUTE)
      wallMs -= 30
      expect(clock.nowMs()).toBe(wallMs)
    }
  })
})

describe('set back', () => {
  test.each([31_000, 10 * MINUTE, DAY, 10 * YEAR])('by %i ms, it goes on as if it had not been', (stepMs) => {
    pass(1000)
    wallMs -= stepMs
    expect(clock.nowMs()).toBe(START_MS + 1000)
    pass(5 * MINUTE)
    expect(clock.nowMs()).toBe(START_MS + 1000 + 5 * MINUTE)
    expect(clock.aheadMs).toBe(stepMs)
  })

  test('and forward again, it is the wall clock', () => {
    wallMs -= DAY
    clock.nowMs()
    pass(MINUTE)
    wallMs += DAY
    expect(clock.nowMs()).toBe(START_MS + MINUTE)
    expect(clock.aheadMs).toBe(0)
  })

  test('by less than half a minute, it follows', () => {
    wallMs -= 30_000
    expect(clock.nowMs()).toBe(START_MS - 30_000)
  })

  test('it has whole milliseconds where the wall clock has', () => {
    pass(0.4)
    wallMs = START_MS - DAY
    expect(Number.isInteger(clock.nowMs())).toBe(true)
  })
})

describe('set forward', () => {
  test('it follows: a machine that slept has a step behind it too', () => {
    wallMs += DAY
    expect(clock.nowMs()).toBe(START_MS + DAY)
    expect(clock.aheadMs).toBe(0)
  })
})

test('stopped or running ten times too fast, it never goes back', () => {
  const step = fc.record({ passedMs: fc.nat(DAY), setByMs: fc.integer({ min: -10 * YEAR, max: 10 * YEAR }) })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      clock = aClock()
      let lastMs = clock.nowMs()
      for (const { passedMs, setByMs } of steps) {
        pass(passedMs)
        wallMs += setByMs
        const nowMs = clock.nowMs()
        // What it follows is a step of half a minute at most.
        expect(nowMs).toBeGreaterThanOrEqual(lastMs + passedMs - 30_000)
        lastMs = nowMs
      }
    }),
  )
})

describe('a time that has been', () => {
  test('is where it goes on, though the wall clock says less', () => {
    clock.hasBeen(START_MS + DAY)
    expect(clock.nowMs()).toBe(START_MS + DAY)
    expect(clock.aheadMs).toBe(DAY)
  })

  test('changes nothing where it is past, or as good as now', () => {
    clock.hasBeen(START_MS - DAY)
    clock.hasBeen(START_MS + 30_000)
    expect(clock.aheadMs).toBe(0)
  })

  test('changes nothing where it is more than a week ahead', () => {
    clock.hasBeen(START_MS + 7 * DAY + 1)
    expect(clock.aheadMs).toBe(0)
  })
})

function aClock(): SteadyClock {
  return new SteadyClock(
    () => wallMs,
    () => monotonicMs,
  )
}

function pass(ms: number): void {
  wallMs += ms
  monotonicMs += ms
}
