import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DEFAULT_RETRY_SCHEDULE,
  LONGEST_WAIT_MS,
  longestWaitMs,
  retryWaitMs,
  scheduleWith,
  withinGiveUp,
  type RetrySchedule,
} from './retry.ts'

const HOUR = 60 * 60 * 1000
const schedule: RetrySchedule = { attempts: 5, baseMs: 1000, factor: 2, capMs: 5000 }
const half = (): number => 0.5

describe('a schedule with another one in its place', () => {
  const usual: RetrySchedule = { ...schedule, giveUpAfterMs: 60_000 }

  test('has what that one says, and the rest as it was', () => {
    const own: RetrySchedule = { attempts: 9, baseMs: 9, factor: 9, capMs: 9, giveUpAfterMs: 9 }
    expect(scheduleWith(usual, own)).toEqual(own)
    for (const name of Object.keys(own))
      expect(scheduleWith(usual, { [name]: 9 })).toEqual({ ...usual, [name]: 9 })
  })

  test('is as it was where that one is absent, or says undefined', () => {
    expect(scheduleWith(usual)).toEqual(usual)
    for (const name of Object.keys(usual)) expect(scheduleWith(usual, { [name]: undefined })).toEqual(usual)
  })
})

describe('the wait before the next attempt', () => {
  test('its bound grows by the factor up to the cap', () => {
    expect([1, 2, 3, 4, 5].map((attempt) => longestWaitMs(schedule, attempt))).toEqual([
      1000, 2000, 4000, 5000, 5000,
    ])
  })

  test('a bound beyond all numbers is the cap', () => {
    expect(longestWaitMs(schedule, 5000)).toBe(schedule.capMs)
  })

  test('is drawn between 0 and its bound', () => {
    expect(retryWaitMs(schedule, 2, () => 0)).toBe(0)
    expect(retryWaitMs(schedule, 2, half)).toBe(1000)
    expect(retryWaitMs(schedule, 2, () => 1 - Number.EPSILON)).toBeLessThan(2000)
  })

  test('is whole milliseconds within the bounds, whatever is drawn', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, drawn) => {
          const waitMs = retryWaitMs(schedule, attempt, () => drawn)
          expect(Number.isSafeInteger(waitMs)).toBe(true)
          expect(waitMs).toBeGreaterThanOrEqual(0)
          expect(waitMs).toBeLessThanOrEqual(longestWaitMs(schedule, attempt))
        },
      ),
    )
  })

  test('is one that every engine can keep, whatever the schedule, the attempt and the hint', () => {
    const most = Number.MAX_SAFE_INTEGER
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 10_000, most),
        fc.constantFrom(0, 1, 3, 1000),
        fc.constantFrom(0, 5000, most),
        fc.integer({ min: 1, max: 999 }),
        fc.constantFrom(undefined, 0, -1, 1e23, Infinity, -Infinity, Number.NaN),
        (baseMs, factor, capMs, attempt, hintMs) => {
          const waitMs = retryWaitMs({ attempts: 1000, baseMs, factor, capMs }, attempt, half, hintMs)
          expect(waitMs).toBeGreaterThanOrEqual(0)
          expect(waitMs).toBeLessThanOrEqual(LONGEST_WAIT_MS)
        },
      ),
    )
  })

  test('a schedule without waits has none after however many attempts', () => {
    const atOnce = { attempts: 1000, baseMs: 0, factor: 1000, capMs: 5000 }
    expect(longestWaitMs(atOnce, 999)).toBe(0)
    expect(withinGiveUp(atOnce).attempts).toBe(1000)
  })

  test('there is none after the last attempt, hint or not', () => {
    expect(retryWaitMs(schedule, 4, half)).toBeDefined()
    expect(retryWaitMs(schedule, 5, half)).toBeUndefined()
    expect(retryWaitMs(schedule, 5, half, 10)).toBeUndefined()
    expect(retryWaitMs(schedule, 6, half)).toBeUndefined()
  })

  test('a hint replaces the draw, within 0 and the cap', () => {
    expect(retryWaitMs(schedule, 1, half, 4321)).toBe(4321)
    expect(retryWaitMs(schedule, 1, half, 0)).toBe(0)
    expect(retryWaitMs(schedule, 1, half, -5)).toBe(0)
    expect(retryWaitMs(schedule, 1, half, 60_000)).toBe(5000)
  })
})

describe('the default schedule', () => {
  const bounds = Array.from({ length: DEFAULT_RETRY_SCHEDULE.attempts - 1 }, (_, index) =>
    longestWaitMs(DEFAULT_RETRY_SCHEDULE, index + 1),
  )

  test('has 14 waits, from at most 10 s to at most a day', () => {
    expect(bounds).toHaveLength(14)
    expect(bounds[0]).toBe(10_000)
    expect(bounds.at(-1)).toBe(24 * HOUR)
  })

  test('has the bounds that its comment names', () => {
    const minutes = bounds.map((bound) => bound / 60_000)
    expect(minutes.slice(0, 6).map((value) => Number(value.toFixed(2)))).toEqual([
      0.17, 0.5, 1.5, 4.5, 13.5, 40.5,
    ])
    expect(bounds.slice(6, 9).map((bound) => Math.round(bound / HOUR))).toEqual([2, 6, 18])
    expect(bounds.slice(9)).toEqual(Array.from({ length: 5 }, () => 24 * HOUR))
  })

  test('adds up to 3 days on average', () => {
    const average = bounds.reduce((sum, bound) => sum + bound / 2, 0)
    expect(average / (24 * HOUR)).toBeGreaterThan(2.75)
    expect(average / (24 * HOUR)).toBeLessThan(3.25)
  })
})

describe('a time to give up', () => {
  // Waits of at most 1, 2, 4 and 5 s.
  test.each([
    [0, 1],
    [999, 1],
    [1000, 2],
    [2999, 2],
    [3000, 3],
    [7000, 4],
    [12_000, 5],
    [Infinity, 5],
  ])('after %j ms leaves time for %j tries', (giveUpAfterMs, attempts) => {
    expect(withinGiveUp({ ...schedule, giveUpAfterMs }).attempts).toBe(attempts)
  })

  test('that is not set leaves all of them', () => {
    expect(withinGiveUp(DEFAULT_RETRY_SCHEDULE)).toEqual(DEFAULT_RETRY_SCHEDULE)
  })
})
