import { describe, expect, test } from 'vitest'
import { FakeTime } from '../../../../test/support/fake-time.ts'
import { CircuitBreaker, type BreakerSettings } from './circuit-breaker.ts'
import { DestinationGate } from './destination-gate.ts'
import type { AttemptEnd } from './limit.ts'
import { TokenBucket } from './token-bucket.ts'

type End = (end: AttemptEnd) => void

interface Case {
  readonly gate: DestinationGate
  readonly time: FakeTime
  readonly breaker: CircuitBreaker
  /** How often the gate has said that it is open. */
  opened(): number
  attempt(): End
  fail(times?: number): void
}

function gateWith({ rate, ...given }: Partial<BreakerSettings> & { readonly rate?: number } = {}): Case {
  const time = new FakeTime()
  const settings = { failures: 3, openMs: 1000, longestOpenMs: 4000, ...given }
  const breaker = new CircuitBreaker(settings, () => 0.5)
  const bucket = rate === undefined ? [] : [new TokenBucket(rate, time.monotonicMs())]
  const gate = new DestinationGate([breaker, ...bucket], time)
  let opened = 0
  gate.onOpen(() => (opened += 1))
  const attempt = (): End => {
    const end = gate.begin()
    if (end === undefined) throw new Error('the gate is closed')
    return end
  }
  const fail = (times = 1): void => {
    for (let count = 0; count < times; count += 1) attempt()({ target: 'ill' })
  }
  return { gate, time, breaker, opened: () => opened, attempt, fail }
}

describe('the breaker', () => {
  test('stays closed while one in between succeeds', () => {
    const { gate, attempt, fail } = gateWith()
    fail(2)
    attempt()({ target: 'well' })
    fail(2)
    expect(gate.places()).toBe(Infinity)
  })

  test('opens after so many failures in a row, and says when it may be tried', () => {
    const { gate, time, fail, opened } = gateWith()
    fail(3)
    expect([gate.places(), gate.begin()]).toEqual([0, undefined])
    time.advance(999)
    expect([gate.places(), opened()]).toEqual([0, 0])
    time.advance(1)
    expect([gate.places(), opened()]).toEqual([1, 1])
  })

  test('lets one probe through at a time, and later after each that fails, up to a bound', () => {
    const { gate, time, attempt, fail } = gateWith()
    fail(3)
    for (const openMs of [1000, 2000, 4000, 4000]) {
      time.advance(openMs - 1)
      expect(gate.places()).toBe(0)
      time.advance(1)
      expect(gate.places()).toBe(1)
      const end = attempt()
      expect([gate.places(), gate.begin()]).toEqual([0, undefined])
      // However long the probe takes.
      time.advance(100_000)
      expect(gate.places()).toBe(0)
      end({ target: 'ill' })
    }
  })

  test('closes with the first probe that succeeds, and begins anew', () => {
    const { gate, time, attempt, fail, breaker } = gateWith()
    fail(3)
    time.advance(1000)
    const end = attempt()
    expect(breaker.state).toBe('probing')
    end({ target: 'well' })
    expect([breaker.state, gate.places()]).toEqual(['closed', Infinity])
    fail(3)
    time.advance(1000)
    expect(gate.places()).toBe(1)
  })

  test('learns nothing from a probe that was broken off, and lets the next one through', () => {
    const { gate, time, attempt, fail } = gateWith()
    fail(3)
    time.advance(1000)
    attempt()({ target: 'unknown' })
    expect(gate.places()).toBe(1)
  })

  test('is neither closed nor kept open by what began before it opened', () => {
    const { gate, time, attempt } = gateWith()
    const ends = Array.from({ length: 6 }, attempt)
    ends.slice(0, 3).forEach((end) => end({ target: 'ill' }))
    time.advance(900)
    ends[3]!({ target: 'ill' })
    ends[4]!({ target: 'well' })
    expect(gate.places()).toBe(0)
    time.advance(100)
    const probe = attempt()
    ends[5]!({ target: 'well' })
    expect([gate.places(), gate.inFlight]).toEqual([0, 1])
    probe({ target: 'well' })
    expect(gate.places()).toBe(Infinity)
  })

  test('leaves a target alone for as long as it asked', () => {
    const { gate, time, attempt, opened, breaker } = gateWith()
    attempt()({ target: 'ill', restMs: 30_000 })
    expect([gate.places(), breaker.isResting(time.monotonicMs())]).toEqual([0, true])
    time.advance(29_999)
    expect(gate.places()).toBe(0)
    time.advance(1)
    expect([gate.places(), opened()]).toEqual([Infinity, 1])
  })

  test('rests and is open for the longer of both', () => {
    const { gate, time, attempt, fail } = gateWith()
    fail(2)
    attempt()({ target: 'ill', restMs: 5000 })
    time.advance(4999)
    expect(gate.places()).toBe(0)
    time.advance(1)
    expect(gate.places()).toBe(1)
  })
})

describe('the rate', () => {
  test.each([1, 2])('of %i an hour is that, also where it is asked for every millisecond', (perHour) => {
    const bucket = new TokenBucket(perHour / 3600, 0)
    bucket.begin(0)
    let begun = 0
    for (let nowMs = 1; nowMs <= 3_600_000; nowMs += 1) {
      if (bucket.places(nowMs) < 1) continue
      bucket.begin(nowMs)
      begun += 1
    }
    expect(begun).toBe(perHour)
  })

  test('is kept in every second, whatever waits', () => {
    const { gate, time } = gateWith({ rate: 100 })
    const begun: number[] = []
    for (let ms = 0; ms < 10_000; ms += 5) {
      for (let places = gate.places(); places >= 1; places -= 1) {
        gate.begin()?.({ target: 'well' })
        begun.push(time.monotonicMs())
      }
      time.advance(5)
    }
    const busiest = Math.max(
      ...begun.map((from) => begun.filter((at) => at >= from && at < from + 1000).length),
    )
    expect(busiest).toBeLessThanOrEqual(125)
    expect(begun.length).toBeGreaterThanOrEqual(1000)
    expect(begun.length).toBeLessThanOrEqual(1025)
  })

  test('may be less than one in a second', () => {
    const { gate, time, attempt, opened } = gateWith({ rate: 0.1 })
    attempt()({ target: 'well' })
    expect(gate.places()).toBe(0)
    time.advance(9999)
    expect([gate.places(), opened()]).toEqual([0, 0])
    time.advance(1)
    expect([gate.places(), opened()]).toEqual([1, 1])
  })

  test('gathers no more than a quarter of a second, however long nothing comes', () => {
    const { gate, time } = gateWith({ rate: 1000 })
    time.advance(1_000_000)
    expect(gate.places()).toBe(250)
  })

  test('opens again for several at once, so that a claim is worth its while', () => {
    const { gate, time, attempt, opened } = gateWith({ rate: 1000 })
    for (let count = 0; count < 250; count += 1) attempt()({ target: 'well' })
    expect(gate.places()).toBe(0)
    time.advance(50)
    expect([gate.places(), opened()]).toEqual([50, 1])
  })

  test('and the breaker together open once both do', () => {
    const { gate, time, fail, opened } = gateWith({ rate: 0.2, failures: 1 })
    fail()
    expect(gate.places()).toBe(0)
    time.advance(4999)
    expect([gate.places(), opened()]).toEqual([0, 0])
    time.advance(1)
    expect([gate.places(), opened()]).toEqual([1, 1])
  })
})

describe('a pause', () => {
  test('closes the gate, and a resume opens it and says so', () => {
    const { gate, time, opened } = gateWith()
    gate.pause()
    expect([gate.places(), gate.begin()]).toEqual([0, undefined])
    time.advance(1_000_000)
    expect([gate.places(), opened()]).toEqual([0, 0])
    gate.resume()
    expect([gate.places(), opened()]).toEqual([Infinity, 1])
    gate.resume()
    expect(opened()).toBe(1)
  })
})

test('asked often, it sets one timer', () => {
  const { gate, time, fail } = gateWith()
  fail(3)
  for (let count = 0; count < 100; count += 1) gate.places()
  expect(time.timers).toBe(1)
  gate.close()
  expect(time.timers).toBe(0)
})
