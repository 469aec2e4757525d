import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { GroupCommit } from './group-commit.ts'

/** A commit that the test ends by hand, so that it decides what gathers meanwhile. */
class Disk {
  readonly batches: (readonly string[])[] = []
  readonly #ends: { resolve: (results: readonly string[]) => void; reject: (error: Error) => void }[] = []

  readonly commit = (items: readonly string[]): Promise<readonly string[]> => {
    this.batches.push(items)
    return new Promise((resolve, reject) => this.#ends.push({ resolve, reject }))
  }

  /** Ends the oldest commit under way. */
  async end(): Promise<void> {
    this.#ends
      .shift()!
      .resolve(this.batches[this.batches.length - this.#ends.length - 1]!.map((item) => `${item}!`))
    await turn()
  }

  get isBusy(): boolean {
    return this.#ends.length > 0
  }

  async fail(message: string): Promise<void> {
    this.#ends.shift()!.reject(new Error(message))
    await turn()
  }
}

/** Lets every promise that can settle do so. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

describe('a group commit', () => {
  test('commits a single item at once', async () => {
    const disk = new Disk()
    const group = new GroupCommit(disk.commit, 100)
    const added = group.add('a')
    await turn()
    expect(disk.batches).toEqual([['a']])
    await disk.end()
    expect(await added).toBe('a!')
  })

  test('carries a burst in one commit', async () => {
    const disk = new Disk()
    const group = new GroupCommit(disk.commit, 100)
    const added = Promise.all(['a', 'b', 'c'].map((item) => group.add(item)))
    await turn()
    await disk.end()
    expect(disk.batches).toEqual([['a', 'b', 'c']])
    expect(await added).toEqual(['a!', 'b!', 'c!'])
  })

  test.each([
    { tookMs: 1, batches: 3 },
    { tookMs: 30, batches: 2 },
  ])(
    'hands over a second batch early only where commits are fast: $tookMs ms',
    async ({ tookMs, batches }) => {
      vi.useFakeTimers({ toFake: ['performance'] })
      onTestFinished(() => void vi.useRealTimers())
      const disk = new Disk()
      const group = new GroupCommit(disk.commit, 1000)
      const added = [group.add('first')]
      await turn()
      vi.advanceTimersByTime(tookMs)
      await disk.end()
      for (const name of ['second', 'third']) {
        added.push(...Array.from({ length: 40 }, (_, index) => group.add(`${name} ${index}`)))
        await turn()
      }
      expect(disk.batches).toHaveLength(batches)
      while (disk.isBusy) await disk.end()
      expect(await Promise.all(added)).toHaveLength(81)
    },
  )

  test('gathers what comes during a commit into the next, in its order', async () => {
    const disk = new Disk()
    const group = new GroupCommit(disk.commit, 100)
    const first = group.add('a')
    await turn()
    const later = Promise.all(['b', 'c', 'd'].map((item) => group.add(item)))
    await turn()
    expect(disk.batches).toEqual([['a']])
    await disk.end()
    expect(await first).toBe('a!')
    expect(disk.batches).toEqual([['a'], ['b', 'c', 'd']])
    await disk.end()
    expect(await later).toEqual(['b!', 'c!', 'd!'])
  })

  test('fulfils nobody before the commit that carries him is done', async () => {
    const disk = new Disk()
    const group = new GroupCommit(disk.commit, 100)
    const fulfilled: string[] = []
    for (const item of ['a', 'b']) void group.add(item).then((result) => fulfilled.push(result))
    await turn()
    void group.add('c').then((result) => fulfilled.push(result))
    await turn()
    expect(fulfilled).toEqual([])
    await disk.end()
    expect(fulfilled).toEqual(['a!', 'b!'])
    await disk.end()
    expect(fulfilled).toEqual(['a!', 'b!', 'c!'])
  })

  test('carries no more than maxItems, and the rest next', async () => {
    const disk = new Disk()
    const group = new GroupCommit(disk.commit, 2)
    const added = Promise.all(['a', 'b', 'c', 'd', 'e'].map((item) => group.add(item)))
    await turn()
    for (let commits = 0; commits < 3; commits += 1) await disk.end()
    expect(disk.batches).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    expect(await added).toEqual(['a!', 'b!', 'c!', 'd!', 'e!'])
  })

  test('a commit that fails rejects its own items and no others', async () => {
    const disk = new Disk()
    const group = new GroupCommit(disk.commit, 2)
    const added = Promise.allSettled(['a', 'b', 'c'].map((item) => group.add(item)))
    await turn()
    await disk.fail('disk full')
    await disk.end()
    expect(await added).toEqual([
      { status: 'rejected', reason: new Error('disk full') },
      { status: 'rejected', reason: new Error('disk full') },
      { status: 'fulfilled', value: 'c!' },
    ])
  })

  test('a commit that throws at once rejects its items, and the next is tried', async () => {
    let tries = 0
    const group = new GroupCommit<string, string>((items) => {
      tries += 1
      if (tries === 1) throw new Error('not open')
      return Promise.resolve(items)
    }, 100)
    await expect(group.add('a')).rejects.toThrow('not open')
    expect(await group.add('b')).toBe('b')
  })

  test('works again after it was idle', async () => {
    const disk = new Disk()
    const group = new GroupCommit(disk.commit, 100)
    for (const item of ['a', 'b']) {
      const added = group.add(item)
      await turn()
      await disk.end()
      expect(await added).toBe(`${item}!`)
    }
    expect(disk.batches).toEqual([['a'], ['b']])
  })

  test('an item added as the last one is fulfilled is committed too', async () => {
    const group = new GroupCommit<string, string>((items) => Promise.resolve(items), 100)
    const chained = group.add('a').then(() => group.add('b'))
    expect(await chained).toBe('b')
  })

  test('is idle once everything is done, and at once where nothing was', async () => {
    const disk = new Disk()
    const group = new GroupCommit(disk.commit, 1)
    await group.idle()
    const order: string[] = []
    void group.add('a').then(() => order.push('a'))
    void group.add('b').then(() => order.push('b'))
    const idle = group.idle().then(() => order.push('idle'))
    await turn()
    await disk.end()
    expect(order).toEqual(['a'])
    await disk.end()
    await idle
    expect(order).toEqual(['a', 'b', 'idle'])
  })
})
