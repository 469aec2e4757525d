import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Paced } from './paced.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

interface Working {
  readonly paced: Paced
  /** When each work began. */
  readonly begunMs: readonly number[]
  /** Ends the work that is under way. */
  end(isDone?: boolean): Promise<void>
}

function working(): Working {
  const begunMs: number[] = []
  let ending: (isDone: boolean) => void = () => {}
  const startMs = performance.now()
  const paced = new Paced(() => {
    begunMs.push(performance.now() - startMs)
    return new Promise((resolve) => (ending = resolve))
  })
  return {
    paced,
    begunMs,
    end: async (isDone = true) => {
      ending(isDone)
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

describe('work that anybody can ask for', () => {
  it('begins at once where none was done within a second, and tells how it went', async () => {
    const { paced, begunMs, end } = working()
    const first = paced.ask()
    await vi.advanceTimersByTimeAsync(0)
    expect(begunMs).toEqual([0])
    await end()
    expect(await first).toBe(true)
    await vi.advanceTimersByTimeAsync(5000)
    const second = paced.ask()
    await vi.advanceTimersByTimeAsync(0)
    expect(begunMs).toEqual([0, 5000])
    await end(false)
    expect(await second).toBe(false)
  })

  it('begins once a second, however often it is asked for', async () => {
    const { paced, begunMs, end } = working()
    for (let ms = 0; ms < 3500; ms += 1) {
      void paced.ask()
      await vi.advanceTimersByTimeAsync(1)
      await end()
    }
    expect(begunMs).toEqual([0, 1000, 2000, 3000])
    // What was asked for behind the last one is done as well, and then no more.
    await vi.advanceTimersByTimeAsync(500)
    await end()
    expect(begunMs).toEqual([0, 1000, 2000, 3000, 4000])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(begunMs).toHaveLength(5)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is done again for whoever asks while it is under way, but never twice at a time', async () => {
    const { paced, begunMs, end } = working()
    void paced.ask()
    await vi.advanceTimersByTimeAsync(0)
    const later = [paced.ask(), paced.ask()]
    await vi.advanceTimersByTimeAsync(3000)
    expect(begunMs).toEqual([0])
    await end()
    expect(begunMs).toEqual([0, 3000])
    await end()
    expect(await Promise.all(later)).toEqual([true, true])
  })

  it('is done no more once it is stopped: who waits for it is told so', async () => {
    const { paced, begunMs, end } = working()
    void paced.ask()
    await vi.advanceTimersByTimeAsync(0)
    await end()
    const waiting = paced.ask()
    await vi.advanceTimersByTimeAsync(500)
    paced.stop()
    expect(await waiting).toBe(false)
    expect(await paced.ask()).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
    expect(begunMs).toHaveLength(1)
  })

  it('keeps no process alive', async () => {
    vi.useRealTimers()
    const timer = vi.spyOn(globalThis, 'setTimeout')
    const paced = new Paced(() => Promise.resolve(true))
    await paced.ask()
    const waiting = paced.ask()
    await vi.waitFor(() => {
      expect(timer.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toContain(false)
    })
    paced.stop()
    expect(await waiting).toBe(false)
    timer.mockRestore()
  })
})
