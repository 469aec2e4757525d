import { describe, expect, it } from 'vitest'
import { FetchedKeys, fetchPinned, type KeyFetch } from './fetched-keys.ts'

const HOUR_MS = 60 * 60 * 1000
const URL = 'https://keys.example/a'

/** Serves what `document` says, and notes what it was asked; each answer waits until `release` is called, where it is held. */
function server(document: (url: string) => string | undefined): {
  readonly fetch: KeyFetch
  readonly asked: string[]
} {
  const asked: string[] = []
  const fetch: KeyFetch = (url) => {
    asked.push(url)
    const found = document(url)
    return Promise.resolve(new Response(found, { status: found === undefined ? 404 : 200 }))
  }
  return { fetch, asked }
}

function keysOf(fetch: KeyFetch, waitMs = 1000): FetchedKeys<string> {
  return new FetchedKeys((bytes) => Buffer.from(bytes).toString() || undefined, { fetch, waitMs })
}

describe('keys that are fetched', () => {
  it('are fetched once for an hour', async () => {
    const { fetch, asked } = server(() => 'key')
    const keys = keysOf(fetch)
    expect(await keys.get(URL, 0)).toBe('key')
    expect(await keys.get(URL, HOUR_MS - 1)).toBe('key')
    expect(asked).toEqual([URL])
    expect(await keys.get(URL, HOUR_MS)).toBe('key')
    expect(asked).toEqual([URL, URL])
  })

  it('are fetched once for all who wait', async () => {
    const { fetch, asked } = server(() => 'key')
    const keys = keysOf(fetch)
    expect(await Promise.all(Array.from({ length: 100 }, () => keys.get(URL, 0)))).toEqual(
      Array.from({ length: 100 }, () => 'key'),
    )
    expect(asked).toEqual([URL])
  })

  it('are used for a day where they cannot be fetched again, and then no more', async () => {
    let isDown = false
    const { fetch, asked } = server(() => (isDown ? undefined : 'key'))
    const keys = keysOf(fetch)
    await keys.get(URL, 0)
    isDown = true
    expect(await keys.get(URL, 2 * HOUR_MS)).toBe('key')
    expect(await keys.get(URL, 2 * HOUR_MS + 1)).toBe('key')
    expect(asked).toHaveLength(2)
    expect(await keys.get(URL, 24 * HOUR_MS)).toBeUndefined()
  })

  it('that are none are not asked for again for half a minute', async () => {
    let isDown = true
    const { fetch, asked } = server(() => (isDown ? undefined : 'key'))
    const keys = keysOf(fetch)
    expect(await keys.get(URL, 0)).toBeUndefined()
    expect(await keys.get(URL, 29_999)).toBeUndefined()
    expect(asked).toHaveLength(1)
    isDown = false
    expect(await keys.get(URL, 30_000)).toBe('key')
  })

  it('cannot be flooded with addresses that somebody makes up', async () => {
    const { fetch, asked } = server((url) => (url === URL ? 'key' : undefined))
    const keys = keysOf(fetch)
    await keys.get(URL, 0)
    for (let number = 0; number < 1000; number += 1) {
      expect(await keys.get(`https://keys.example/made-up-${number}`, number)).toBeUndefined()
    }
    expect(asked).toHaveLength(1 + 8)
    await Promise.all(
      Array.from({ length: 1000 }, (_, number) => keys.get(`https://keys.example/again-${number}`, 40_000)),
    )
    expect(asked).toHaveLength(1 + 8 + 4)
    // What is known is known all the while, and renewed.
    expect(await keys.get(URL, 40_000)).toBe('key')
    expect(await keys.get(URL, 2 * HOUR_MS)).toBe('key')
  })

  it('are kept up to 64, and the one used longest ago goes first', async () => {
    const { fetch, asked } = server(() => 'key')
    const keys = keysOf(fetch)
    for (let number = 0; number < 64; number += 1) await keys.get(`https://keys.example/${number}`, 0)
    await keys.get('https://keys.example/0', 1)
    await keys.get('https://keys.example/64', 2)
    asked.length = 0
    await keys.get('https://keys.example/0', 3)
    expect(asked).toEqual([])
    await keys.get('https://keys.example/1', 3)
    expect(asked).toEqual(['https://keys.example/1'])
  })

  it('are waited for as long as a sender can wait, and found by its next try', async () => {
    let answer: (response: Response) => void = () => {}
    const held = new Promise<Response>((resolve) => (answer = resolve))
    const keys = keysOf(() => held, 1)
    expect(await keys.get(URL, 0)).toBeUndefined()
    answer(new Response('key'))
    await held
    const slow = keysOf(() => held.then(() => new Response('key')))
    expect(await slow.get(URL, 0)).toBe('key')
    // The first fetch went on, and nobody has to fetch again.
    await expect.poll(() => keys.get(URL, 0)).toBe('key')
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
    expect(await keysOf(() => Promise.resolve(new Response(endless))).get(URL, 0)).toBeUndefined()
    expect(isCancelled).toBe(true)
    expect(sent).toBeLessThan(128 * 1024)
  })

  it('are never fetched over a redirect, whatever the fetch does about it', async () => {
    const inits: unknown[] = []
    const following: KeyFetch = (_, init) => {
      inits.push(init.redirect)
      return Promise.resolve({ status: 200, redirected: true, body: new Response('key').body })
    }
    expect(await keysOf(following).get(URL, 0)).toBeUndefined()
    expect(inits).toEqual(['error'])
  })

  it('may be renewed once a minute for a name that is not among them', async () => {
    const { fetch, asked } = server(() => `key ${asked.length}`)
    const keys = keysOf(fetch)
    expect(await keys.get(URL, 0)).toBe('key 1')
    expect(await keys.renewed(URL, 59_999)).toBe('key 1')
    expect(await keys.renewed(URL, 60_000)).toBe('key 2')
    expect(await keys.get(URL, 60_001)).toBe('key 2')
  })

  it('are not young because a clock was set back', async () => {
    const { fetch, asked } = server(() => 'key')
    const keys = keysOf(fetch)
    await keys.get(URL, 10 * HOUR_MS)
    await keys.get(URL, 0)
    expect(asked).toHaveLength(2)
  })
})

describe('visiting an address', () => {
  it('rejects where it is not answered with 200, and shows nothing of the address', async () => {
    await fetchPinned(`${URL}?token=1`, () => Promise.resolve(new Response('')))
    const refusing = fetchPinned(`${URL}?token=1`, () => Promise.resolve(new Response('', { status: 403 })))
    await expect(refusing).rejects.toThrow(/^the address was answered 403$/)
  })
})
