import { afterEach, describe, expect, it, vi } from 'vitest'
import { FetchedKeys, fetchPinned, type KeyFetch } from './fetched-keys.ts'

const SECOND_MS = 1000
const HOUR_MS = 60 * 60 * 1000
const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const URL = 'https://keys.example/a'
const MAX_BYTES = 64 * 1024

const numbered = (number: number): string => `https://keys.example/${number}`
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number)

/** Serves what `document` says, and 404 with a page where that is nothing; notes what it was asked. */
function server(document: (url: string) => string | undefined): {
  readonly fetch: KeyFetch
  readonly asked: string[]
} {
  const asked: string[] = []
  const fetch: KeyFetch = (url) => {
    asked.push(url)
    const found = document(url)
    return Promise.resolve(new Response(found ?? 'no such page', { status: found === undefined ? 404 : 200 }))
  }
  return { fetch, asked }
}

/** Answers nothing until `answer` is called, and then all that it was and will be asked. */
function heldServer(): { readonly fetch: KeyFetch; readonly asked: string[]; readonly answer: () => void } {
  const asked: string[] = []
  let answer: () => void = () => {}
  const answered = new Promise<void>((resolve) => (answer = resolve))
  const fetch: KeyFetch = (url) => {
    asked.push(url)
    return answered.then(() => new Response('key'))
  }
  return { fetch, asked, answer }
}

function keysOf(fetch: KeyFetch, waitMs = SECOND_MS): FetchedKeys<string> {
  return new FetchedKeys((bytes) => Buffer.from(bytes).toString() || undefined, { fetch, waitMs })
}

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('keys that are fetched', () => {
  it('are fetched once for an hour', async () => {
    const { fetch, asked } = server(() => 'key')
    const keys = keysOf(fetch)
    expect(await keys.get(URL, NOW_MS)).toBe('key')
    expect(await keys.get(URL, NOW_MS)).toBe('key')
    expect(await keys.get(URL, NOW_MS + HOUR_MS - 1)).toBe('key')
    expect(asked).toEqual([URL])
    expect(await keys.get(URL, NOW_MS + HOUR_MS)).toBe('key')
    expect(asked).toEqual([URL, URL])
  })

  it('are fetched once for all who wait', async () => {
    const { fetch, asked } = server(() => 'key')
    const keys = keysOf(fetch)
    expect(await Promise.all(numbers(100).map(() => keys.get(URL, NOW_MS)))).toEqual(
      numbers(100).map(() => 'key'),
    )
    expect(asked).toEqual([URL])
  })

  it('are used for a day where they cannot be fetched again, and then no more', async () => {
    let isDown = false
    const { fetch, asked } = server(() => (isDown ? undefined : 'key'))
    const keys = keysOf(fetch)
    await keys.get(URL, NOW_MS)
    isDown = true
    expect(await keys.get(URL, NOW_MS + 2 * HOUR_MS)).toBe('key')
    expect(await keys.get(URL, NOW_MS + 2 * HOUR_MS + 1)).toBe('key')
    expect(asked).toHaveLength(2)
    expect(await keys.get(URL, NOW_MS + 24 * HOUR_MS - 1)).toBe('key')
    expect(await keys.get(URL, NOW_MS + 24 * HOUR_MS)).toBeUndefined()
  })

  it('that are none are not asked for again for half a minute', async () => {
    let isDown = true
    const { fetch, asked } = server(() => (isDown ? undefined : 'key'))
    const keys = keysOf(fetch)
    expect(await keys.get(URL, NOW_MS)).toBeUndefined()
    isDown = false
    expect(await keys.get(URL, NOW_MS + 29_999)).toBeUndefined()
    expect(asked).toHaveLength(1)
    expect(await keys.get(URL, NOW_MS + 30_000)).toBe('key')
  })

  it('cannot be flooded with addresses that somebody makes up', async () => {
    const { fetch, asked } = server((url) => (url === URL ? `key ${asked.length}` : undefined))
    const keys = keysOf(fetch)
    await keys.get(URL, NOW_MS)
    for (const number of numbers(100)) expect(await keys.get(numbered(number), NOW_MS)).toBeUndefined()
    expect(asked).toHaveLength(1 + 8)
    // What is known is known all the while, and renewed.
    expect(await keys.get(URL, NOW_MS)).toBe('key 1')
    expect(await keys.renewed(URL, NOW_MS + 60_000)).toBe('key 10')
    for (const number of numbers(8)) await keys.get(numbered(number), NOW_MS + HOUR_MS)
    expect(await keys.renewed(URL, NOW_MS + HOUR_MS)).toBe('key 19')
  })

  it('are fetched from four addresses at a time at most', async () => {
    const { fetch, asked, answer } = heldServer()
    const keys = keysOf(fetch, 10 * SECOND_MS)
    const waiting = numbers(5).map((number) => keys.get(numbered(number), NOW_MS))
    expect(asked).toEqual(numbers(4).map(numbered))
    expect(await waiting[4]).toBeUndefined()
    // Whoever asks for what is under way waits for it all the same.
    const late = keys.get(numbered(3), NOW_MS)
    answer()
    expect(await Promise.all(waiting)).toEqual(['key', 'key', 'key', 'key', undefined])
    expect(await late).toBe('key')
    expect(await keys.get(numbered(4), NOW_MS)).toBe('key')
  })

  it('are kept up to 64, and the one used longest ago goes first', async () => {
    const { fetch, asked } = server(() => 'key')
    const keys = keysOf(fetch)
    for (const number of numbers(64)) await keys.get(numbered(number), NOW_MS)
    for (const number of numbers(64)) await keys.get(numbered(number), NOW_MS)
    expect(asked).toHaveLength(64)
    await keys.get(numbered(0), NOW_MS)
    await keys.get(numbered(64), NOW_MS)
    asked.length = 0
    await keys.get(numbered(0), NOW_MS)
    expect(asked).toEqual([])
    await keys.get(numbered(1), NOW_MS)
    expect(asked).toEqual([numbered(1)])
  })

  it('are not read beyond 64 KiB, however many are sent', async () => {
    let sent = 0
    let isCancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 1024
        controller.enqueue(new Uint8Array(1024))
      },
      cancel: () => {
        isCancelled = true
      },
    })
    expect(await keysOf(() => Promise.resolve(new Response(endless))).get(URL, NOW_MS)).toBeUndefined()
    expect(isCancelled).toBe(true)
    expect(sent).toBeLessThan(2 * MAX_BYTES)
  })

  it('may be of 64 KiB', async () => {
    const longest = 'k'.repeat(MAX_BYTES)
    expect(await keysOf(server(() => longest).fetch).get(URL, NOW_MS)).toBe(longest)
    expect(await keysOf(server(() => `${longest}k`).fetch).get(URL, NOW_MS)).toBeUndefined()
  })

  it('are never fetched over a redirect, whatever the fetch does about it', async () => {
    const inits: unknown[] = []
    const following: KeyFetch = (_, init) => {
      inits.push(init.redirect)
      return Promise.resolve({ status: 200, redirected: true, body: new Response('key').body })
    }
    expect(await keysOf(following).get(URL, NOW_MS)).toBeUndefined()
    expect(inits).toEqual(['error'])
  })

  it('may be renewed once a minute for a name that is not among them', async () => {
    const { fetch, asked } = server(() => `key ${asked.length}`)
    const keys = keysOf(fetch)
    expect(await keys.get(URL, NOW_MS)).toBe('key 1')
    expect(await keys.renewed(URL, NOW_MS + 59_999)).toBe('key 1')
    expect(await keys.renewed(URL, NOW_MS + 60_000)).toBe('key 2')
    expect(await keys.get(URL, NOW_MS + 60_001)).toBe('key 2')
  })

  it('are not young because a clock was set back', async () => {
    const { fetch, asked } = server(() => 'key')
    const keys = keysOf(fetch)
    await keys.get(URL, NOW_MS)
    await keys.get(URL, NOW_MS - 1)
    expect(asked).toHaveLength(2)
  })

  it.each([201, 204, 304, 403, 500])(
    'are none where the status is %i, whatever is sent with it',
    async (status) => {
      let isCancelled = false
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(Buffer.from('key')),
        cancel: () => {
          isCancelled = true
        },
      })
      expect(await keysOf(() => Promise.resolve({ status, body })).get(URL, NOW_MS)).toBeUndefined()
      expect(isCancelled).toBe(true)
    },
  )

  it.each([
    ['the fetch rejects', () => Promise.reject(new Error('no network'))],
    [
      'the fetch throws',
      () => {
        throw new Error('no fetch')
      },
    ],
    ['nothing is sent', () => Promise.resolve({ status: 200, body: null })],
    ['nothing is sent with another status', () => Promise.resolve({ status: 404, body: null })],
  ] satisfies [string, KeyFetch][])('are none where %s', async (_, fetch) => {
    expect(await keysOf(fetch).get(URL, NOW_MS)).toBeUndefined()
  })

  it('are none where reading them throws', async () => {
    const unreadable = (): never => {
      throw new Error('no key')
    }
    const keys = new FetchedKeys(unreadable, { fetch: server(() => 'key').fetch })
    expect(await keys.get(URL, NOW_MS)).toBeUndefined()
  })

  it('are fetched by the global fetch where no other is given', async () => {
    const { fetch, asked } = server(() => 'key')
    vi.stubGlobal('fetch', fetch)
    const keys = new FetchedKeys((bytes) => Buffer.from(bytes).toString())
    expect(await keys.get(URL, NOW_MS)).toBe('key')
    expect(asked).toEqual([URL])
  })
})

describe('waiting for a key', () => {
  it.each([
    ['a second', SECOND_MS, {}],
    ['as long as is said', 50, { waitMs: 50 }],
  ])('takes %s at most; the next try finds it', async (_, waitMs, options) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { fetch, asked, answer } = heldServer()
    const keys = new FetchedKeys((bytes) => Buffer.from(bytes).toString(), { fetch, ...options })
    const waiting = keys.get(URL, NOW_MS).then((key) => ({ key }))
    await vi.advanceTimersByTimeAsync(waitMs - 1)
    expect(await Promise.race([waiting, 'still waiting'])).toBe('still waiting')
    await vi.advanceTimersByTimeAsync(1)
    expect(await Promise.race([waiting, 'still waiting'])).toEqual({ key: undefined })
    // The fetch went on, and nobody has to fetch again.
    const next = keys.get(URL, NOW_MS)
    answer()
    expect(await next).toBe('key')
    expect(await keys.get(URL, NOW_MS)).toBe('key')
    expect(asked).toEqual([URL])
  })

  it('ends with the key, and leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    expect(await keysOf(server(() => 'key').fetch).get(URL, NOW_MS)).toBe('key')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('takes a fetch five seconds at most', async () => {
    const signals: AbortSignal[] = []
    const timeout = vi.spyOn(AbortSignal, 'timeout')
    try {
      const fetch: KeyFetch = (_, { signal }) => {
        signals.push(signal)
        return Promise.resolve(new Response('key'))
      }
      await keysOf(fetch).get(URL, NOW_MS)
      await fetchPinned(URL, fetch)
      expect(timeout.mock.calls).toEqual([[5 * SECOND_MS], [5 * SECOND_MS]])
      expect(signals).toEqual(timeout.mock.results.map(({ value }) => value as unknown))
    } finally {
      timeout.mockRestore()
    }
  })
})

describe('visiting an address', () => {
  it('follows no redirect, and reads nothing of what is sent', async () => {
    let isCancelled = false
    const visited: unknown[] = []
    const body = new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) })
    const fetch: KeyFetch = (url, { redirect }) => {
      visited.push([url, redirect])
      return Promise.resolve({ status: 200, body })
    }
    await fetchPinned(`${URL}?token=1`, fetch)
    expect(visited).toEqual([[`${URL}?token=1`, 'error']])
    expect(isCancelled).toBe(true)
    await fetchPinned(URL, () => Promise.resolve({ status: 200, body: null }))
  })

  it('rejects where it is not answered with 200, and shows nothing of the address', async () => {
    const refusing = fetchPinned(`${URL}?token=1`, () => Promise.resolve(new Response('', { status: 403 })))
    await expect(refusing).rejects.toThrow(/^the address was answered 403$/)
  })

  it('is done by the global fetch where no other is given', async () => {
    const { fetch, asked } = server(() => '')
    vi.stubGlobal('fetch', fetch)
    await fetchPinned(URL)
    expect(asked).toEqual([URL])
  })
})
