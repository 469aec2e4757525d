import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { heldBytes } from '../../../../test/support/memory.ts'
import { Deadlines } from './deadlines.ts'

const AFTER_MS = 1000

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('a deadline', () => {
  test('expires when its time has come, and not before', () => {
    const onExpiry = vi.fn()
    new Deadlines(AFTER_MS).set(onExpiry)
    vi.advanceTimersByTime(AFTER_MS - 1)
    expect(onExpiry).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(onExpiry).toHaveBeenCalledTimes(1)
  })

  test('expires once', () => {
    const onExpiry = vi.fn()
    new Deadlines(AFTER_MS).set(onExpiry)
    vi.advanceTimersByTime(10 * AFTER_MS)
    expect(onExpiry).toHaveBeenCalledTimes(1)
  })

  test('that was met never expires', () => {
    const onExpiry = vi.fn()
    new Deadlines(AFTER_MS).set(onExpiry).met()
    vi.advanceTimersByTime(10 * AFTER_MS)
    expect(onExpiry).not.toHaveBeenCalled()
  })

  test('is open until it is met', () => {
    const deadline = new Deadlines(AFTER_MS).set(() => {})
    expect(deadline.isOpen).toBe(true)
    deadline.met()
    expect(deadline.isOpen).toBe(false)
  })

  test('is no longer open once it has expired', () => {
    const deadline = new Deadlines(AFTER_MS).set(() => {})
    vi.advanceTimersByTime(AFTER_MS)
    expect(deadline.isOpen).toBe(false)
  })

  test('may be met after it has expired', () => {
    const onExpiry = vi.fn()
    const deadline = new Deadlines(AFTER_MS).set(onExpiry)
    vi.advanceTimersByTime(AFTER_MS)
    deadline.met()
    vi.advanceTimersByTime(AFTER_MS)
    expect(onExpiry).toHaveBeenCalledTimes(1)
  })

  test('does not keep the process alive', () => {
    const setTimeout = vi.spyOn(globalThis, 'setTimeout')
    new Deadlines(AFTER_MS).set(() => {})
    expect(setTimeout.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([false])
  })

  test('is held against the clock it was given, not against its timer', () => {
    let nowMs = 0
    const onExpiry = vi.fn()
    new Deadlines(AFTER_MS, () => nowMs).set(onExpiry)
    nowMs = AFTER_MS - 1
    vi.advanceTimersByTime(AFTER_MS)
    expect(onExpiry).not.toHaveBeenCalled()
    nowMs = AFTER_MS
    vi.advanceTimersByTime(1)
    expect(onExpiry).toHaveBeenCalledTimes(1)
  })
})

describe('several deadlines', () => {
  test('expire in the order they were set', () => {
    const expired: string[] = []
    const deadlines = new Deadlines(AFTER_MS)
    for (const name of ['a', 'b', 'c']) deadlines.set(() => expired.push(name))
    vi.advanceTimersByTime(AFTER_MS)
    expect(expired).toEqual(['a', 'b', 'c'])
  })

  test('expire each at its own time', () => {
    const expiredAtMs: number[] = []
    const startMs = performance.now()
    const deadlines = new Deadlines(AFTER_MS)
    deadlines.set(() => expiredAtMs.push(performance.now() - startMs))
    vi.advanceTimersByTime(300)
    deadlines.set(() => expiredAtMs.push(performance.now() - startMs))
    vi.advanceTimersByTime(2 * AFTER_MS)
    expect(expiredAtMs).toEqual([1000, 1300])
  })

  test('expire although one before them was met', () => {
    const expired: string[] = []
    const deadlines = new Deadlines(AFTER_MS)
    deadlines.set(() => expired.push('a')).met()
    vi.advanceTimersByTime(300)
    deadlines.set(() => expired.push('b'))
    vi.advanceTimersByTime(AFTER_MS)
    expect(expired).toEqual(['b'])
  })

  test('expire although one between them was met', () => {
    const expired: string[] = []
    const deadlines = new Deadlines(AFTER_MS)
    const [, b] = ['a', 'b', 'c'].map((name) => {
      vi.advanceTimersByTime(100)
      return deadlines.set(() => expired.push(name))
    })
    b!.met()
    vi.advanceTimersByTime(AFTER_MS)
    expect(expired).toEqual(['a', 'c'])
  })

  test('share one timer', () => {
    const deadlines = new Deadlines(AFTER_MS)
    const setTimeout = vi.spyOn(globalThis, 'setTimeout')
    for (let count = 0; count < 100; count += 1) {
      deadlines.set(() => {})
      vi.advanceTimersByTime(1)
    }
    expect(setTimeout).toHaveBeenCalledTimes(1)
  })

  test('share one timer after an expiry too', () => {
    const deadlines = new Deadlines(AFTER_MS)
    for (let count = 0; count < 10; count += 1) {
      deadlines.set(() => {})
      vi.advanceTimersByTime(100)
    }
    deadlines.set(() => {})
    expect(vi.getTimerCount()).toBe(1)
  })

  test('of which the first is met by the next are not seen by each other', () => {
    const onExpiry = vi.fn()
    const deadlines = new Deadlines(AFTER_MS)
    const [first, second] = [deadlines.set(() => second!.met()), deadlines.set(onExpiry)]
    vi.advanceTimersByTime(AFTER_MS)
    expect(first.isOpen).toBe(false)
    expect(onExpiry).not.toHaveBeenCalled()
  })
})

describe('once all deadlines are gone', () => {
  test('no timer is left', () => {
    const deadlines = new Deadlines(AFTER_MS)
    deadlines.set(() => {})
    deadlines.set(() => {}).met()
    vi.advanceTimersByTime(AFTER_MS)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('the next one is watched again', () => {
    const onExpiry = vi.fn()
    const deadlines = new Deadlines(AFTER_MS)
    deadlines.set(() => {})
    vi.advanceTimersByTime(5 * AFTER_MS)
    deadlines.set(onExpiry)
    vi.advanceTimersByTime(AFTER_MS - 1)
    expect(onExpiry).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(onExpiry).toHaveBeenCalledTimes(1)
  })

  test('the next one is watched where all before it were met', () => {
    const onExpiry = vi.fn()
    const deadlines = new Deadlines(AFTER_MS)
    deadlines.set(() => {}).met()
    vi.advanceTimersByTime(AFTER_MS)
    deadlines.set(onExpiry)
    vi.advanceTimersByTime(AFTER_MS)
    expect(onExpiry).toHaveBeenCalledTimes(1)
  })
})

describe('deadlines that were met', () => {
  test('are let go of long before their time', () => {
    const deadlines = new Deadlines(AFTER_MS)
    deadlines.set(() => {}).met()
    const before = heldBytes()
    for (let count = 0; count < 100_000; count += 1) deadlines.set(() => {}).met()
    // Kept until their time, they were 9 MB.
    expect(heldBytes() - before).toBeLessThan(2_000_000)
  })

  test('are let go of in one go after one that was open for long', () => {
    const onExpiry = vi.fn()
    const deadlines = new Deadlines(AFTER_MS)
    const slow = deadlines.set(() => {})
    const before = heldBytes()
    for (let count = 0; count < 100_000; count += 1) deadlines.set(() => {}).met()
    slow.met()
    deadlines.set(onExpiry)
    expect(heldBytes() - before).toBeLessThan(2_000_000)
    vi.advanceTimersByTime(AFTER_MS)
    expect(onExpiry).toHaveBeenCalledTimes(1)
  })
})

describe('a deadline set inside an expiry', () => {
  test('expires a whole distance later', () => {
    const onExpiry = vi.fn()
    const deadlines = new Deadlines(AFTER_MS)
    deadlines.set(() => deadlines.set(onExpiry))
    vi.advanceTimersByTime(2 * AFTER_MS - 1)
    expect(onExpiry).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(onExpiry).toHaveBeenCalledTimes(1)
  })

  test('has no timer of its own where others are still open', () => {
    const deadlines = new Deadlines(AFTER_MS)
    deadlines.set(() => deadlines.set(() => {}))
    vi.advanceTimersByTime(300)
    deadlines.set(() => {})
    vi.advanceTimersByTime(AFTER_MS - 300)
    expect(vi.getTimerCount()).toBe(1)
  })

  test('comes after those that were open before it', () => {
    const expired: string[] = []
    const deadlines = new Deadlines(AFTER_MS)
    deadlines.set(() => deadlines.set(() => expired.push('inner')))
    vi.advanceTimersByTime(300)
    deadlines.set(() => expired.push('outer'))
    vi.advanceTimersByTime(2 * AFTER_MS)
    expect(expired).toEqual(['outer', 'inner'])
  })
})
