import { describe, expect, test } from 'vitest'
import { Burst, type Ticker } from './burst.ts'

function setUp(): {
  readonly add: (count: number, kind?: string) => void
  readonly shown: string[]
  readonly pass: (ms: number) => void
} {
  const ticker = fakeTicker()
  const shown: string[] = []
  const burst = new Burst<string>({
    limit: 20,
    ticker,
    kindOf: (kind) => kind,
    labelOf: (kind) => kind,
    show: (kind) => shown.push(kind),
    sumUp: (counts) => shown.push(JSON.stringify(Object.fromEntries(counts))),
  })
  const add = (count: number, kind = 'a'): void => {
    for (let index = 0; index < count; index += 1) burst.add(kind)
  }
  return { add, shown, pass: ticker.pass }
}

describe('a burst', () => {
  test('of 20 in a second is shown one by one, second after second', () => {
    const { add, shown, pass } = setUp()
    for (let second = 0; second < 5; second += 1) {
      add(20)
      pass(1000)
    }
    expect(shown).toEqual(Array.from({ length: 100 }, () => 'a'))
  })

  test('of more shows the first 20 and sums up the rest at the end of the second', () => {
    const { add, shown, pass } = setUp()
    add(50)
    expect(shown).toHaveLength(20)
    pass(1000)
    expect(shown.slice(20)).toEqual(['{"a":30}'])
  })

  test('is as it always is where the clock is set back', () => {
    const { add, shown, pass } = setUp()
    add(20)
    pass(-3_600_000)
    add(20)
    pass(1000)
    add(20)
    expect(shown).toEqual(Array.from({ length: 60 }, () => 'a'))
  })

  test('that goes on gives one line a second', () => {
    const { add, shown, pass } = setUp()
    for (let second = 0; second < 5; second += 1) {
      add(1000)
      pass(1000)
    }
    expect(shown.slice(20)).toEqual(['{"a":980}', '{"a":1000}', '{"a":1000}', '{"a":1000}', '{"a":1000}'])
  })

  test('that ends gives every single one again, the first of them up to a second late', () => {
    const { add, shown, pass } = setUp()
    add(100)
    pass(1000)
    add(3)
    pass(1000)
    add(1)
    expect(shown.slice(20)).toEqual(['{"a":80}', 'a', 'a', 'a', 'a'])
  })

  test('long ago does not hold back what comes now', () => {
    const { add, shown, pass } = setUp()
    add(100)
    pass(60_000)
    add(1)
    expect(shown.slice(20)).toEqual(['{"a":80}', 'a'])
  })

  test('counts kinds apart: an event is one request and one attempt', () => {
    const { add, shown } = setUp()
    add(20, 'request')
    add(20, 'attempt')
    expect(shown).toHaveLength(40)
  })
})

/** Timers run when time passes, and only then. */
function fakeTicker(): Ticker & { readonly pass: (ms: number) => void } {
  let nowMs = 0
  const timers = new Map<() => void, number>()
  return {
    now: () => nowMs,
    after(ms, run) {
      timers.set(run, nowMs + ms)
      return () => timers.delete(run)
    },
    pass(ms) {
      const endMs = nowMs + ms
      for (const [run, dueMs] of timers) {
        if (dueMs > endMs) continue
        timers.delete(run)
        nowMs = dueMs
        run()
      }
      nowMs = endMs
    },
  }
}
