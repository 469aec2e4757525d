import { readBounded } from './request.ts'

/** The part of `fetch` that is used. A redirect is an error: the address is the provider's, and no other is trusted. */
export type KeyFetch = (
  url: string,
  init: { readonly redirect: 'error'; readonly signal: AbortSignal },
) => Promise<{
  readonly status: number
  readonly redirected?: boolean
  readonly body: ReadableStream<Uint8Array> | null
}>

/** How keys are fetched. One is kept for an hour, and for up to a day where it cannot be had again. */
export interface FetchedKeysOptions {
  /** Default: the global `fetch`. It is only ever handed addresses that the provider's data name. */
  readonly fetch?: KeyFetch | undefined
  /** How long a request waits for a key; the fetch goes on, so that the sender's next try finds it. Default 1000. */
  readonly waitMs?: number
}

/** Longer than any chain of certificates or set of keys. */
const MAX_BYTES = 64 * 1024
/** How long a request waits: a sender that waits 3 s still gets the 503 that it asked too early. */
export const KEY_WAIT_MS = 1000
const FETCH_TIMEOUT_MS = 5000
/** How old a key may be before it is fetched again, and how old where that fails. */
const FRESH_MS = 60 * 60 * 1000
const USABLE_MS = 24 * 60 * 60 * 1000
/** How soon a set is fetched again for a key that is not in it. */
const RENEW_AFTER_MS = 60 * 1000
/** A provider has a handful of keys at a time, and one of each region. */
const MAX_KEYS = 64
/** An address that gave nothing is not tried again before that. */
const FAILURE_MS = 30 * 1000
/**
 * How many addresses may give nothing in that time before no further unknown one is tried. Whoever forges requests makes
 * up addresses: with this he makes us fetch 16 times a minute, and with none as often as he sends.
 */
const MAX_FAILURES = 8
const MAX_UNDER_WAY = 4

/**
 * Keys by the address that they are fetched from: each once for all who wait, kept for an hour, and for a day where it
 * cannot be had again. What gave nothing is remembered too, and never takes the place of a key.
 */
export class FetchedKeys<Key> {
  readonly #read: (bytes: Uint8Array) => Key | undefined
  readonly #fetch: KeyFetch
  readonly #waitMs: number
  /** The one used longest ago first. */
  readonly #known = new Map<string, { readonly key: Key; readonly fetchedMs: number }>()
  readonly #failedMs = new Map<string, number>()
  readonly #underWay = new Map<string, Promise<Key | undefined>>()

  /** @param read What the bytes at an address are; `undefined` where they are no key. */
  constructor(read: (bytes: Uint8Array) => Key | undefined, options: FetchedKeysOptions = {}) {
    this.#read = read
    this.#fetch = options.fetch ?? globalThis.fetch
    this.#waitMs = options.waitMs ?? KEY_WAIT_MS
  }

  /** The key at an address; `undefined` where there is none to be had now. Never rejects. */
  get(url: string, nowMs: number): Promise<Key | undefined> {
    return this.#notOlderThan(FRESH_MS, url, nowMs)
  }

  /** As `get`, fetched again where that was not just now. */
  renewed(url: string, nowMs: number): Promise<Key | undefined> {
    return this.#notOlderThan(RENEW_AFTER_MS, url, nowMs)
  }

  async #notOlderThan(ageMs: number, url: string, nowMs: number): Promise<Key | undefined> {
    const known = this.#known.get(url)
    if (known !== undefined && isWithin(ageMs, known.fetchedMs, nowMs)) {
      this.#keep(url, known)
      return known.key
    }
    const fetched = this.#mayFetch(url, nowMs, known !== undefined)
      ? await withinMs(this.#waitMs, this.#fetchOnce(url, nowMs))
      : undefined
    if (fetched !== undefined) return fetched
    return known !== undefined && isWithin(USABLE_MS, known.fetchedMs, nowMs) ? known.key : undefined
  }

  #mayFetch(url: string, nowMs: number, isKnown: boolean): boolean {
    if (this.#underWay.has(url)) return true
    for (const [failed, atMs] of this.#failedMs) {
      if (!isWithin(FAILURE_MS, atMs, nowMs)) this.#failedMs.delete(failed)
    }
    if (this.#failedMs.has(url)) return false
    return isKnown || (this.#failedMs.size < MAX_FAILURES && this.#underWay.size < MAX_UNDER_WAY)
  }

  #fetchOnce(url: string, nowMs: number): Promise<Key | undefined> {
    const before = this.#underWay.get(url)
    if (before !== undefined) return before
    const fetching = this.#fetchKey(url).then((key) => {
      this.#underWay.delete(url)
      if (key === undefined) this.#failedMs.set(url, nowMs)
      else this.#keep(url, { key, fetchedMs: nowMs })
      return key
    })
    this.#underWay.set(url, fetching)
    return fetching
  }

  async #fetchKey(url: string): Promise<Key | undefined> {
    try {
      const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS)
      const { status, redirected, body } = await this.#fetch(url, { redirect: 'error', signal })
      if (status !== 200 || redirected === true) {
        await body?.cancel()
        return undefined
      }
      const bytes = await readBounded(body, MAX_BYTES)
      return typeof bytes === 'string' ? undefined : this.#read(bytes)
    } catch {
      return undefined
    }
  }

  #keep(url: string, entry: { readonly key: Key; readonly fetchedMs: number }): void {
    this.#known.delete(url)
    this.#known.set(url, entry)
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_KEYS) this.#known.delete(oldest as string)
  }
}

/** Visits an address that the provider's data have pinned, and nothing else; rejects where that is not answered with 200. */
export async function fetchPinned(url: string, fetch: KeyFetch = globalThis.fetch): Promise<void> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS)
  const { status, body } = await fetch(url, { redirect: 'error', signal })
  await body?.cancel()
  // Without the address: it has a token in it.
  if (status !== 200) throw new Error(`the address was answered ${status}`)
}

/** A clock that was set back makes nothing young. */
function isWithin(ageMs: number, thenMs: number, nowMs: number): boolean {
  return nowMs >= thenMs && nowMs - thenMs < ageMs
}

function withinMs<Value>(ms: number, value: Promise<Value>): Promise<Value | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms)
    void value.then((result) => {
      clearTimeout(timer)
      resolve(result)
    })
  })
}
