/** Tries providers' own libraries against ours, each with every sample of its provider. */
import { signRequest, verify, type Source } from 'postern'
import { samples } from 'postern/samples'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

export const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
export const TEXT = 'a signing secret, long enough'
export const WHSEC = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

const ID = '0123456789abcdef0123456789abcdef'

export type Headers = Readonly<Record<string, string>>

export interface Library {
  readonly library: string
  readonly provider: string
  readonly source: Source
  /** What is called, where the provider signs it. */
  readonly url?: string
  /** To sign with, where the source has the public key. */
  readonly privateKey?: string
  /** Whether it accepts a request; a throw is a refusal. */
  readonly accepts: (body: string, headers: Headers) => unknown
  /** The headers of a request that it signed itself, where it can. */
  readonly signs?: (body: string) => Headers | Promise<Headers>
}

/** Tests of each library, in both directions where it can sign. */
export function tryLibraries(libraries: readonly Library[]): void {
  const titled = libraries.map((each) => ({ ...each, title: `${each.library} for ${each.provider}` }))
  const signers = titled.flatMap(({ signs, ...rest }) => (signs === undefined ? [] : [{ signs, ...rest }]))

  // Libraries take the time from `Date`.
  beforeAll(() => vi.useFakeTimers({ toFake: ['Date'], now: NOW_MS }))
  afterAll(() => vi.useRealTimers())

  describe('requests that are signed here', () => {
    test.each(titled)('are accepted, and not with another body: $title', async (each) => {
      const own = requestsOf(each.provider)
      expect(own.length).toBeGreaterThan(1)
      for (const { body, headers } of own) {
        const signed = signRequest(each.source, {
          body,
          headers,
          id: 'msg_1',
          nowMs: NOW_MS,
          method: 'POST',
          ...(each.url !== undefined && { url: each.url }),
          ...(each.privateKey !== undefined && { privateKey: each.privateKey }),
        })
        const sent = { ...headers, ...signed.headers }
        expect(await accepted(each, body, sent)).toBe(true)
        expect(await accepted(each, forge(body), sent)).toBe(false)
      }
    })
  })

  if (signers.length === 0) return
  describe('requests that the library signs', () => {
    test.each(signers)('are verified, and not with another body: $title', async (each) => {
      for (const { body, headers } of requestsOf(each.provider)) {
        const request = {
          method: 'POST',
          headers: { ...headers, ...(await each.signs(body)) },
          ...(each.url !== undefined && { url: each.url }),
        }
        const genuine = await verify({ ...request, body: Buffer.from(body) }, each.source)
        expect(genuine).toMatchObject({ ok: true })
        const forged = await verify({ ...request, body: Buffer.from(forge(body)) }, each.source)
        expect(forged).toEqual({ ok: false, reason: 'signature_mismatch' })
      }
    })
  })
}

/** A request of each sample, without a signature. */
export function requestsOf(
  provider: string,
): readonly { readonly body: string; readonly headers: Headers }[] {
  return (samples.get(provider) ?? []).map(({ build }) => build({ id: ID, nowMs: NOW_MS }))
}

export function forge(body: string): string {
  return body.replace('{', '{"forged":1,')
}

/** A library says no with `false` or by throwing. */
async function accepted({ accepts }: Library, body: string, headers: Headers): Promise<boolean> {
  try {
    return (await accepts(body, headers)) !== false
  } catch {
    return false
  }
}
