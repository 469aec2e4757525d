/**
 * What holds for every scheme of every provider that is neither a signature over parts which the scheme names nor a secret in
 * the request: keys that are fetched, tokens, and senders that choose what they sign. Generated, as `every-provider.test.ts`
 * is for the others.
 *
 * @module
 */
import { describe, expect, it } from 'vitest'
import {
  defineAnySource,
  verify,
  type Provider,
  type Scheme,
  type Source,
  type Verdict,
} from '../core/index.ts'
import { isSignature } from '../core/scheme.ts'
import { verifyRequest } from '../core/verify.ts'
import { keyServer, otherKeys, otherSecretOf, signAny } from '../../../../test/support/other-schemes.ts'
import { awsSns, httpMessageSignatures, paypal, providers } from './index.ts'
import { samples } from './samples/index.ts'

const NOW_MS = 1_772_490_001_000
const URL = 'https://example.com/webhooks/sample?a=b%20c'
const ID = '0123456789abcdef0123456789abcdef'
const LONG = 64 * 1024

interface Sent {
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
}

interface Case {
  readonly provider: Provider
  readonly scheme: Scheme
  readonly title: string
}

const every: readonly Case[] = providers.flatMap((provider) =>
  provider.schemes
    .filter((scheme) => !isSignature(scheme) && scheme.algorithm !== 'static-secret')
    .map((scheme) => ({ provider, scheme, title: `${provider.name} ${scheme.name}` })),
)
const signingBody = every.filter(({ scheme }) => scheme.algorithm !== 'jwt')
const fetching = every.filter(({ scheme }) => scheme.algorithm !== 'http-message-signature')
const certified = every.flatMap(({ scheme, ...rest }) =>
  scheme.algorithm === 'rsa-certificate' ? [{ scheme, ...rest }] : [],
)

/** Sources whose functions do not look whether their data are sound, nor ask for more than one secret. */
const taken: readonly (readonly [string, Source])[] = [
  ['awsSns', awsSns()],
  ['awsSns, of one version', awsSns({ signatureVersions: ['2'] })],
  ['paypal', paypal()],
  ['httpMessageSignatures', httpMessageSignatures()],
  [
    'httpMessageSignatures, with an origin',
    httpMessageSignatures({ origin: 'https://example.com', tag: 'a' }),
  ],
]

describe('a source that is taken for sound', () => {
  it.each(taken)('is it, and is verified by one secret: %s', (_, source) => {
    const looked = defineAnySource(source.provider, {}, otherKeys())
    expect(new Set(source.schemes.map(({ scheme }) => scheme.verifiedBy))).toEqual(new Set([undefined]))
    expect(source.schemes.map(({ scheme }) => scheme)).toEqual(looked.schemes.map(({ scheme }) => scheme))
    expect([source.envelopes, source.warnings]).toEqual([looked.envelopes, looked.warnings])
    expect(source.authenticate).toBe(looked.authenticate)
  })

  it('brings no code that follows chains only where hosts are trusted: awsSns', () => {
    expect(certified.map(({ provider, scheme }) => [provider.name, scheme.certificate.trust])).toEqual([
      ['aws-sns', 'host'],
      ['aws-sns', 'host'],
      ['paypal', 'chain'],
    ])
  })

  it('has all that the catalogue has for programs: httpMessageSignatures', () => {
    const listed = providers.find(({ name }) => name === 'http-message-signatures')!
    const { documentation: _, evidence: __, ...used } = listed
    expect(httpMessageSignatures().provider).toEqual(used)
  })

  it('refuses what its options make unsound', () => {
    const unsound = expect.objectContaining({ code: 'bad_config' })
    expect(() => httpMessageSignatures({ components: ['@status'] })).toThrow(unsound)
    expect(() => httpMessageSignatures({ origin: 'example.com' })).toThrow(unsound)
    expect(() => httpMessageSignatures({ tag: 'é' })).toThrow(unsound)
    const unknown = { otherSecrets: {} } as object
    for (const define of [awsSns, paypal, httpMessageSignatures]) {
      expect(() => define(unknown)).toThrow(/unknown option 'otherSecrets'/)
    }
  })
})

describe('what is signed otherwise', () => {
  it('is looked at for each form that there is', () => {
    expect(new Set(every.map(({ scheme }) => scheme.algorithm))).toEqual(
      new Set(['rsa-certificate', 'jwt', 'http-message-signature']),
    )
  })

  it.each(every)('verifies: $title', async (each) => {
    expect(await arrive(each, signed(each))).toMatchObject({
      ok: true,
      scheme: each.scheme.name,
      secretIndex: 0,
    })
  })

  it.each(every)('verifies by each of two that are configured, and by no third: $title', async (each) => {
    const both = [otherSecretOf(each.scheme, 1)!, otherSecretOf(each.scheme, 2)!]
    const third = [otherSecretOf(each.scheme, 3)!]
    for (const [number, secretIndex] of [
      [1, 0],
      [2, 1],
    ] as const) {
      const sent = signed(each, number)
      // A topic fits the patterns of both.
      const expected = each.scheme.algorithm === 'rsa-certificate' && each.scheme.expected ? 0 : secretIndex
      expect(await verify(requestOf(sent), sourceOf(each, both), { now })).toMatchObject({
        ok: true,
        secretIndex: expected,
      })
      expect(await verify(requestOf(sent), sourceOf(each, third), { now })).toMatchObject({ ok: false })
    }
  })

  it.each(signingBody)('is refused with any bit of its body changed: $title', async (each) => {
    const sent = signed(each)
    const source = sourceOf(each, [otherSecretOf(each.scheme, 1)!])
    const accepted: number[] = []
    for (let at = 0; at < sent.body.byteLength; at += 1) {
      const verdict = await verify(requestOf({ ...sent, body: flipped(sent.body, at) }), source, { now })
      if (verdict.ok || verdict.reason === 'malformed_body') accepted.push(at)
    }
    expect(accepted).toEqual([])
  })

  it.each(every)('is refused with any character of a header that counts changed: $title', async (each) => {
    const sent = signed(each)
    const source = sourceOf(each, [otherSecretOf(each.scheme, 1)!])
    const accepted: string[] = []
    for (const name of countingHeaders(each, sent)) {
      const value = valueOf(sent, name)
      for (let at = 0; at < value.length; at += 1) {
        const text = value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ 1) + value.slice(at + 1)
        const verdict = await verify(requestOf(withHeader(sent, name, text)), source, { now })
        if (verdict.ok) accepted.push(`${name} ${at} ${text}`)
      }
    }
    expect(accepted).toEqual([])
  })

  it.each(every)('is refused without a header that counts, and with it twice: $title', async (each) => {
    const sent = signed(each)
    for (const name of countingHeaders(each, sent)) {
      const without = { ...sent, headers: sent.headers.filter(([other]) => other !== name) }
      const twice = {
        ...sent,
        headers: [...sent.headers, [name.toUpperCase(), valueOf(sent, name)] as const],
      }
      for (const changed of [without, twice]) {
        const verdict = await arrive(each, changed)
        expect(verdict).toMatchObject({ ok: false })
        expect(verdict.ok ? '' : verdict.reason).toMatch(/^(?:missing|duplicate|malformed)_|mismatch$/)
      }
    }
  })

  it.each(every)(
    'is refused whatever is in a header that counts, and nothing is thrown: $title',
    async (each) => {
      const sent = signed(each)
      const values = [
        '',
        ' ',
        'é',
        '\0',
        'a'.repeat(LONG),
        '(',
        '"',
        ':=:',
        '=',
        'Bearer',
        'null',
        '١٢٣',
        '%',
        '\n',
        '-1',
      ]
      for (const name of countingHeaders(each, sent)) {
        for (const value of values) {
          expect(await arrive(each, withHeader(sent, name, value))).toMatchObject({ ok: false })
        }
      }
    },
  )

  it.each(every)(
    'is refused whatever the body is, where that is signed, and nothing is thrown: $title',
    async (each) => {
      const sent = signed(each)
      for (const text of [
        '',
        'null',
        '[]',
        '"x"',
        '{',
        '{}',
        '{"__proto__":{}}',
        '\uFEFF{}',
        '[[[[',
        '1e999',
      ]) {
        const verdict = await arrive(each, { ...sent, body: Buffer.from(text) })
        const isSigned = each.scheme.algorithm !== 'jwt'
        expect(verdict.ok && isSigned).toBe(false)
      }
    },
  )

  it.each(every)('is stale after its tolerance, and of the future before it: $title', async (each) => {
    const sent = signed(each)
    const { timestamp } = each.scheme as { readonly timestamp: { readonly toleranceSeconds: number } }
    const lifeSeconds = each.scheme.algorithm === 'jwt' ? 3600 : 0
    const toleranceMs = timestamp.toleranceSeconds * 1000
    const at = async (ms: number): Promise<string> => reasonOf(await arrive(each, sent, NOW_MS + ms))
    // A token has ended at its end, and not after it.
    expect(await at(toleranceMs + (lifeSeconds > 0 ? lifeSeconds * 1000 - 1000 : 0))).toBe('ok')
    expect(await at(toleranceMs + lifeSeconds * 1000 + 1000)).toBe('stale')
    expect(await at(-toleranceMs)).toBe('ok')
    expect(await at(-toleranceMs - 1000)).toBe('future')
  })
})

describe('a key that is fetched', () => {
  it.each(fetching)('and cannot be had is our own fault: $title', async (each) => {
    const failing = [
      () => Promise.reject(new TypeError('no network')),
      () => Promise.resolve(new Response('', { status: 500 })),
      () => Promise.resolve(new Response('x'.repeat(100_000))),
    ]
    for (const fetch of failing) {
      const source = sourceOf(each, [otherSecretOf(each.scheme, 1)!], fetch)
      expect(reasonOf(await verify(requestOf(signed(each)), source, { now }))).toBe('key_unavailable')
    }
  })

  it.each(fetching)('is fetched once, however many come: $title', async (each) => {
    const { fetch, asked } = keyServer()
    const source = sourceOf(each, [otherSecretOf(each.scheme, 1)!], fetch)
    const sent = signed(each)
    await Promise.all(Array.from({ length: 50 }, () => verify(requestOf(sent), source, { now })))
    expect(asked).toHaveLength(1)
  })

  it.each(fetching)(
    'is not there for who does not wait for it, who is not told otherwise: $title',
    (each) => {
      const source = sourceOf(each, [otherSecretOf(each.scheme, 1)!])
      expect(verifyRequest({ method: 'POST', ...requestOf(signed(each)) }, source, NOW_MS)).toEqual({
        ok: false,
        reason: 'key_unavailable',
      })
      const bare = { method: 'POST', url: URL, headers: [], body: Buffer.from('{}') }
      const refusal = verifyRequest(bare, source, NOW_MS)
      expect(refusal.ok ? 'ok' : refusal.reason).toMatch(/header$/)
    },
  )

  it.each(fetching)('is fetched by nobody who has nothing configured: $title', async (each) => {
    const { fetch, asked } = keyServer()
    const verdict = await verify(requestOf(signed(each)), sourceOf(each, [], fetch), { now })
    expect([reasonOf(verdict), asked]).toEqual(['no_secret', []])
  })

  it.each(certified)('is fetched from no address but the pinned: $title', async (each) => {
    const { fetch, asked } = keyServer()
    const source = sourceOf(each, [otherSecretOf(each.scheme, 1)!], fetch)
    const place = each.scheme.certificate.at
    for (const address of hostileAddresses(addressIn(each))) {
      const sent = signed(each)
      const changed =
        'header' in place
          ? withHeader(sent, place.header, address)
          : { ...sent, body: withMember(sent.body, 'json' in place ? place.json[0]! : '', address) }
      const verdict = await verify(requestOf(changed), source, { now })
      expect([address, reasonOf(verdict)]).toEqual([address, 'untrusted_key_url'])
    }
    expect(asked).toEqual([])
  })
})

function hostileAddresses(good: string): readonly string[] {
  const { host, pathname } = new globalThis.URL(good)
  return [
    good.replace('https:', 'http:'),
    good.replace('https:', 'HTTPS:'),
    good.replace(host, `${host}.evil.example`),
    good.replace(host, `evil.example/${host}`),
    good.replace(host, `${host}@evil.example`),
    good.replace(host, `user@${host}`),
    good.replace(host, `${host}:8443`),
    good.replace(host, `evil.example\\.${host}`),
    good.replace(host, `evil.example#.${host}`),
    good.replace(host, `evil.example%2f.${host}`),
    good.replace(host, host.toUpperCase()),
    good.replace(host, '127.0.0.1'),
    good.replace(host, '[::1]'),
    good.replace(pathname, `/../..${pathname}`),
    `${good}?a=b`,
    `${good}#a`,
    `${good}\n`,
    ` ${good}`,
    `//${host}${pathname}`,
    `file://${pathname}`,
    'x',
  ]
}

function addressIn(
  each: Case & { readonly scheme: Scheme & { readonly algorithm: 'rsa-certificate' } },
): string {
  const place = each.scheme.certificate.at
  const sent = signed(each)
  if ('header' in place) return valueOf(sent, place.header)
  const members = JSON.parse(Buffer.from(sent.body).toString()) as Readonly<Record<string, string>>
  return members['json' in place ? place.json[0]! : ''] ?? ''
}

function withMember(body: Uint8Array, name: string, value: string): Uint8Array {
  return Buffer.from(
    JSON.stringify({ ...(JSON.parse(Buffer.from(body).toString()) as object), [name]: value }),
  )
}

const now = (): number => NOW_MS

function sourceOf({ provider, scheme }: Case, secret: readonly string[], fetch = keyServer().fetch): Source {
  return defineAnySource({ ...provider, schemes: [scheme] }, { secret }, otherKeys(fetch))
}

/** The last sample of the scheme that has no member which is not signed. */
function signed(each: Case, secretNumber = 1): Sent {
  const own = samples.get(each.provider.name)!.filter(({ scheme }) => scheme === each.scheme.name)
  const built = own.at(-1)!.build({ id: ID, nowMs: NOW_MS })
  const source = sourceOf(each, [otherSecretOf(each.scheme, secretNumber)!])
  const { headers, body } = signAny(source, { ...built, nowMs: NOW_MS, url: URL }, secretNumber)
  return { headers: Object.entries({ ...built.headers, ...headers }), body }
}

function requestOf({ headers, body }: Sent): { url: string; headers: string[]; body: Uint8Array } {
  return { url: URL, headers: headers.flat(), body }
}

function arrive(each: Case, sent: Sent, nowMs = NOW_MS): Promise<Verdict> {
  const source = sourceOf(each, [otherSecretOf(each.scheme, 1)!])
  return verify(requestOf(sent), source, { now: () => nowMs })
}

function reasonOf(verdict: Verdict): string {
  return verdict.ok ? 'ok' : verdict.reason
}

/** The headers that the scheme looks at, of those that a signed request has. */
function countingHeaders({ scheme }: Case, sent: Sent): readonly string[] {
  const places =
    scheme.algorithm === 'rsa-certificate'
      ? [scheme.signature.at, scheme.certificate.at, scheme.timestamp.in, ...scheme.content]
      : scheme.algorithm === 'jwt'
        ? [scheme.token]
        : ['content-digest', 'signature-input', 'signature'].map((header) => ({ header }))
  const named = places.flatMap((place) =>
    typeof place === 'object' && 'header' in place ? [place.header] : [],
  )
  const present = new Set(sent.headers.map(([name]) => name))
  return [...new Set([...named, ...Object.keys(scheme.required ?? {})])].filter((name) => present.has(name))
}

function valueOf({ headers }: Sent, name: string): string {
  return headers.find(([other]) => other === name)?.[1] ?? ''
}

function withHeader(sent: Sent, name: string, value: string): Sent {
  return { ...sent, headers: sent.headers.map(([other, own]) => [other, other === name ? value : own]) }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at]! ^= 1
  return copy
}
