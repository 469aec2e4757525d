/**
 * What holds for every scheme of every provider, generated from its data and samples: nobody has to remember to test a
 * new one.
 *
 * @module
 */
import { describe, expect, it } from 'vitest'
import {
  defineAnySource,
  defineSource,
  verify,
  type Provider,
  type Reason,
  type Scheme,
  type SignatureScheme,
  type Source,
  type Verdict,
} from '../core/index.ts'
import { findInEach, findMember } from '../core/json-member.ts'
import { isSignature } from '../core/scheme.ts'
import { verifyRequest } from '../core/verify.ts'
import { otherKeys, otherSecretOf, signAny } from '../../../../test/support/other-schemes.ts'
import { keyPair, type KeyPair } from '../../../../test/support/key-pairs.ts'
import { fingerprintOf } from '../inbox/index.ts'
import { newEvent } from '../receive/new-event.ts'
import { providers, templateProviders } from './index.ts'
import { sampleOf, samples, type Sample } from './samples/index.ts'

const NOW_MS = 1_772_490_001_000
const URL = 'https://example.com/webhooks/sample?a=b%20c'
const ID = '0123456789abcdef0123456789abcdef'
const LONG = 64 * 1024

/** A request as names and values in turn, so that a header can be doubled. */
interface Sent {
  readonly headers: readonly (readonly [string, string])[]
  readonly url: string
  readonly body: Uint8Array
}

interface Case {
  readonly provider: Provider
  readonly scheme: Scheme
  readonly title: string
}

/** Those of the two forms that most have; the others are in `every-other-scheme.test.ts`. */
const every: readonly Case[] = providers.flatMap((provider) =>
  provider.schemes
    .filter(isOfTwoForms)
    .map((scheme) => ({ provider, scheme, title: `${provider.name} ${scheme.name}` })),
)
const signing = every.flatMap(({ scheme, ...rest }) => (isSignature(scheme) ? [{ scheme, ...rest }] : []))
/** Those with their signature in a header, and in the body. */
const headed = signing.filter(({ scheme }) => 'header' in scheme.signature.in[0]!)
const enclosed = signing.filter(({ scheme }) => 'json' in scheme.signature.in[0]!)
const timed = signing.filter(({ scheme }) => scheme.timestamp !== undefined)
const inHeader = every.filter(
  ({ scheme }) => scheme.algorithm === 'static-secret' && 'header' in scheme.secret,
)
const inBody = every.filter(({ scheme }) => scheme.algorithm === 'static-secret' && 'json' in scheme.secret)
const inEach = every.filter(({ scheme }) => scheme.algorithm === 'static-secret' && 'each' in scheme.secret)
const inQuery = every.filter(({ scheme }) => scheme.algorithm === 'static-secret' && 'query' in scheme.secret)
const everySample = providers.flatMap((provider) =>
  samples.get(provider.name)!.map((sample, index) => ({
    provider,
    sample,
    title: `${provider.name} ${sample.type} #${index}`,
  })),
)

describe('what is signed', () => {
  it.each(every)('verifies: $title', async (each) => {
    const verdict = await arrive(each, signed(each))
    expect(verdict).toMatchObject({ ok: true, scheme: each.scheme.name, secretIndex: 0 })
  })

  it.each(signing)('is refused with any bit that is signed in its body changed: $title', async (each) => {
    const sent = signed(each)
    const changed = signedBytes(each.scheme, sent.body)
    expect(changed.length).toBeGreaterThan(0)
    const reasons = await reasonsOf(
      each,
      changed.map((at) => ({ ...sent, body: flipped(sent.body, at) })),
    )
    const first = firstLooked(each.scheme)
    expect(reasons.filter((reason) => reason !== 'signature_mismatch' && !first.includes(reason))).toEqual([])
    expect(reasons).toContain('signature_mismatch')
  })

  it.each(enclosed)('is never a throw, whatever bit of its body is changed: $title', async (each) => {
    const sent = signed(each)
    const reasons = await reasonsOf(
      each,
      Array.from(sent.body, (_, at) => ({ ...sent, body: flipped(sent.body, at) })),
    )
    expect(reasons.length).toBe(sent.body.byteLength)
  })

  it.each(enclosed)('is refused with another signature in its body: $title', async (each) => {
    const sent = signed(each)
    const text = Buffer.from(sent.body).toString()
    const { encoding } = each.scheme.signature
    const [signature] = /"[0-9A-Za-z+/=]{44,64}"/.exec(text.replace(/"token":"[^"]*"/, '')) ?? ['']
    const bytes = Buffer.from(signature.slice(1, -1), encoding)
    expect(bytes.byteLength).toBe(32)
    const put = (json: string): Sent => ({ ...sent, body: Buffer.from(text.replace(signature, json)) })
    const texts = ['', bytes.toString('base64url'), `${signature.slice(1, -1)}00`, 'é', 'a'.repeat(LONG)]
    const reasons = await reasonsOf(each, [
      ...texts.map((written) => put(JSON.stringify(written))),
      put('null'),
      put('{}'),
      put('[]'),
      { ...sent, body: Buffer.from('{') },
      { ...sent, body: new Uint8Array() },
    ])
    expect(reasons).toEqual([
      'bad_encoding',
      'bad_encoding',
      'bad_encoding',
      'bad_encoding',
      'malformed_header',
      ...Array.from({ length: 3 }, () => 'missing_header'),
      ...Array.from({ length: 2 }, () =>
        each.scheme.each === undefined ? 'missing_header' : 'missing_content',
      ),
    ])
  })

  it.each(every)('is refused with any character of a header that counts changed: $title', async (each) => {
    const sent = signed(each)
    const changed = countingHeaders(each).flatMap((name) =>
      Array.from({ length: valueOf(sent, name).length }, (_, at) =>
        withHeader(sent, name, changedAt(valueOf(sent, name), at)),
      ),
    )
    expect(await reasonsOf(each, changed)).not.toContain('ok')
  })

  it.each(every)('is refused without a header that counts, and with it twice: $title', async (each) => {
    const sent = signed(each)
    for (const name of countingHeaders(each)) {
      const without = { ...sent, headers: sent.headers.filter(([other]) => other !== name) }
      const twice = { ...sent, headers: [...sent.headers, [name, valueOf(sent, name)] as const] }
      const otherCase = { ...sent, headers: [...sent.headers, [name.toUpperCase(), 'another'] as const] }
      expect(await reasonsOf(each, [without, twice, otherCase])).toEqual([
        'missing_header',
        'duplicate_header',
        'duplicate_header',
      ])
    }
  })

  it.each(timed)('is stale after its tolerance, and of the future before it: $title', async (each) => {
    const sent = signed(each)
    const toleranceMs = (each.scheme.timestamp?.toleranceSeconds ?? 300) * 1000
    const at = async (ms: number): Promise<string> => reasonOf(await arrive(each, sent, NOW_MS + ms))
    expect(await at(toleranceMs)).toBe('ok')
    expect(await at(toleranceMs + 1000)).toBe('stale')
    expect(await at(-toleranceMs)).toBe('ok')
    expect(await at(-toleranceMs - 1000)).toBe('future')
  })

  it.each(every)('verifies by each of two secrets, and by no third: $title', async (each) => {
    const both = sourceOf(each, [secretOf(each.scheme, 1), secretOf(each.scheme, 2)])
    for (const [number, expected] of [
      [1, { ok: true, secretIndex: 0 }],
      [2, { ok: true, secretIndex: 1 }],
      [3, { ok: false, reason: mismatchOf(each.scheme) }],
    ] as const) {
      expect(await verify(requestOf(signed(each, number)), both, { now })).toMatchObject(expected)
    }
  })
})

describe('the header of a signature', () => {
  it.each(headed)('is refused with the right reason, whatever is in it: $title', async (each) => {
    const sent = signed(each)
    const name = signatureHeader(each.scheme)
    const value = valueOf(sent, name)
    const encoded = signatureIn(value, each.scheme)
    const put = (text: string): Sent => withHeader(sent, name, text)
    const other = (text: string): Sent => put(value.replace(encoded, text))
    const isBare =
      each.scheme.signature.prefix === undefined && each.scheme.signature.pairSeparator === undefined
    const isSplit = each.scheme.signature.separator !== undefined
    expect(await reasonsOf(each, [put(''), put('a'.repeat(LONG)), put('é')])).toEqual([
      isBare ? 'bad_encoding' : 'malformed_header',
      'malformed_header',
      isBare ? 'bad_encoding' : 'malformed_header',
    ])
    const wrong = [
      other(''),
      other(encoded.slice(0, -2)),
      other(`${encoded}00`),
      other(`!${encoded.slice(1)}`),
      other(`é${encoded.slice(1)}`),
      other(` ${encoded.slice(1)}`),
      other(`${encoded.slice(0, -1)}\0`),
    ]
    const reasons = await reasonsOf(each, wrong)
    expect(
      reasons.filter((reason) => reason !== 'bad_encoding' && !(isSplit && reason === 'malformed_header')),
    ).toEqual([])
    expect(reasons.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => 'bad_encoding'))
  })

  it.each(headed)('takes a signature in no other alphabet: $title', async (each) => {
    const sent = signed(each)
    const name = signatureHeader(each.scheme)
    const value = valueOf(sent, name)
    const encoded = signatureIn(value, each.scheme)
    const bytes = Buffer.from(encoded, each.scheme.signature.encoding)
    const others = (['hex', 'base64', 'base64url'] as const).filter(
      (encoding) => bytes.toString(encoding) !== encoded,
    )
    expect(others.length).toBeGreaterThan(0)
    const put = others.map((encoding) =>
      withHeader(sent, name, value.replace(encoded, bytes.toString(encoding))),
    )
    expect(new Set(await reasonsOf(each, put))).toEqual(new Set(['bad_encoding']))
  })
})

describe('the header of a time', () => {
  const inTheirs = timed.filter(({ scheme }) => 'header' in scheme.timestamp!.in)

  it.each(inTheirs)('is refused with the right reason, whatever is in it: $title', async (each) => {
    const sent = signed(each)
    const [name] = countingHeaders(each).filter((header) => isTimeOf(each.scheme, header))
    const value = valueOf(sent, name!)
    const texts = ['', 'now', '١٢٣', `${value}junk`, ` ${value}`, `+${value}`, '1e9', '-1', '9'.repeat(LONG)]
    const reasons = await reasonsOf(
      each,
      texts.map((text) => withHeader(sent, name!, text)),
    )
    expect(new Set(reasons)).toEqual(new Set(['malformed_timestamp']))
  })
})

describe('the header of a signed id', () => {
  const withId = signing.filter(({ scheme }) => scheme.id !== undefined && 'header' in scheme.id.in)

  it.each(withId)('is refused with the right reason, whatever is in it: $title', async (each) => {
    const sent = signed(each)
    const place = each.scheme.id!.in
    const name = 'header' in place ? place.header : ''
    const texts = ['', `a${each.scheme.id!.forbid}b`, 'é', 'a'.repeat(LONG)]
    const reasons = await reasonsOf(
      each,
      texts.map((text) => withHeader(sent, name, text)),
    )
    expect(reasons).toEqual(['malformed_id', 'malformed_id', 'signature_mismatch', 'signature_mismatch'])
  })
})

describe('a static secret', () => {
  it.each(inHeader)('is refused with the right reason, whatever is in its header: $title', async (each) => {
    const sent = signed(each)
    const [name] = countingHeaders(each)
    const value = valueOf(sent, name!)
    const put = (text: string): Sent => withHeader(sent, name!, text)
    const reasons = await reasonsOf(each, [
      put(''),
      put('a'.repeat(LONG)),
      put(`${value} `),
      put(value.slice(0, -1)),
    ])
    expect(reasons[1]).toBe('malformed_header')
    const allowed: readonly string[] = ['malformed_header', 'bad_encoding', 'secret_mismatch']
    expect(reasons.filter((reason) => !allowed.includes(reason))).toEqual([])
  })

  it.each(inBody)('is refused with the right reason, whatever is in its place: $title', async (each) => {
    const sent = signed(each)
    const text = Buffer.from(sent.body).toString()
    const secret = JSON.stringify(secretOf(each.scheme, 1))
    const put = (body: string): Sent => ({ ...sent, body: Buffer.from(body) })
    const name =
      each.scheme.algorithm === 'static-secret' && 'json' in each.scheme.secret
        ? each.scheme.secret.json[0]!
        : ''
    expect(
      await reasonsOf(each, [
        put('{}'),
        put(text.replace(secret, '""')),
        put(text.replace(secret, 'null')),
        put(text.replace(/^\{/, `{"${name}":${secret},`)),
        put(text.slice(1)),
      ]),
    ).toEqual(['missing_secret', 'secret_mismatch', 'missing_secret', 'duplicate_secret', 'missing_secret'])
  })

  it.each(inEach)(
    'is refused with the right reason, whatever is in one of its places: $title',
    async (each) => {
      const sent = signed(each)
      const text = Buffer.from(sent.body).toString()
      const secret = JSON.stringify(secretOf(each.scheme, 1))
      const put = (body: string): Sent => ({ ...sent, body: Buffer.from(body) })
      const [array, member] =
        each.scheme.algorithm === 'static-secret' && 'each' in each.scheme.secret
          ? [each.scheme.secret.each[0]!, each.scheme.secret.member[0]!]
          : ['', '']
      const last = (json: string): string => {
        const at = text.lastIndexOf(secret)
        return text.slice(0, at) + json + text.slice(at + secret.length)
      }
      expect(
        await reasonsOf(each, [
          put('{}'),
          put(`{"${array}":[]}`),
          put(`{"${array}":{"${member}":${secret}}}`),
          put(`{"${array}":[${secret}]}`),
          put(last('"another"')),
          put(last('null')),
          put(last(`${secret},"${member}":${secret}`)),
          put(text.replace(/^\{/, `{"${array}":[{"${member}":${secret}}],`)),
          put(text.slice(1)),
          put(`{"${array}":[${'0,'.repeat(1000)}0]}`),
        ]),
      ).toEqual([
        'missing_secret',
        'missing_secret',
        'missing_secret',
        'missing_secret',
        'secret_mismatch',
        'missing_secret',
        'duplicate_secret',
        'missing_secret',
        'missing_secret',
        'missing_secret',
      ])
    },
  )

  it.each(inQuery)('is refused with the right reason, whatever is in the URL: $title', async (each) => {
    const sent = signed(each)
    const parameter = sent.url.slice(URL.length + 1)
    expect(parameter).not.toBe('')
    const put = (url: string): Sent => ({ ...sent, url })
    expect(
      await reasonsOf(each, [
        put(URL),
        put(''),
        put(`${sent.url}0`),
        put(`${sent.url}&${parameter}`),
        put(`${URL}&${parameter.toUpperCase()}`),
        put(`${URL}&${parameter.split('=')[0]}=`),
        put(`${URL}&${parameter.split('=')[0]}=${'%'.repeat(LONG)}`),
      ]),
    ).toEqual([
      'missing_secret',
      'missing_secret',
      'secret_mismatch',
      'duplicate_secret',
      'missing_secret',
      'secret_mismatch',
      'secret_mismatch',
    ])
  })

  it.each([...inEach, ...inQuery])('is in nothing that is kept: $title', (each) => {
    const sent = requestOf(signed(each))
    const verified = verifyRequest(sent, sourceOf(each, [secretOf(each.scheme, 1)]), NOW_MS)
    const kept = verified.ok ? verified.request : sent
    expect([kept.url, ...kept.headers, Buffer.from(kept.body).toString()].join('\n')).not.toContain(
      secretOf(each.scheme, 1),
    )
  })

  it.each([...inHeader, ...inBody])('is neither in the event nor in its headers: $title', async (each) => {
    const verdict = await arrive(each, signed(each))
    const kept = verdict.ok ? [...verdict.event.headers, Buffer.from(verdict.event.body).toString()] : []
    expect(kept.length).toBeGreaterThan(0)
    expect(kept.join('\n')).not.toContain(secretOf(each.scheme, 1))
  })
})

describe('the catalogue', () => {
  it('begins with the four of the template, and has every name once', () => {
    expect(providers.slice(0, 4)).toEqual(templateProviders)
    expect(new Set(providers.map(({ name }) => name)).size).toBe(providers.length)
  })

  it.each(providers.map((provider) => [provider.name, provider] as const))('is data: %s', (_, provider) => {
    expect(JSON.parse(JSON.stringify(provider))).toEqual(provider)
    expect(provider.name).toMatch(/^[a-z0-9_-]{1,64}$/)
    expect(provider.documentation).toMatch(/^https:\/\//)
    expect(provider.evidence?.reason).toMatch(/\w/)
    const names = [...provider.schemes, ...provider.envelopes].map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('has two samples of every provider, but of those that document one', () => {
    const few = [...samples].filter(([, own]) => own.length < 2).map(([name]) => name)
    expect(few).toEqual(['castai-notifications', 'coreweave-alerts'])
    expect([...samples.keys()].toSorted()).toEqual(providers.map(({ name }) => name).toSorted())
  })

  it.each(everySample)('has samples that pass with their own type: $title', async ({ provider, sample }) => {
    const verdict = await verify(requestOf(sampleSent(provider, sample, ID)), configured(provider), { now })
    expect(verdict).toMatchObject({ ok: true, event: { type: sample.type } })
    expect(verdict.ok && verdict.scheme.split('+')).toContain(sample.scheme)
  })

  it.each(everySample)('has samples that are one event each time: $title', async ({ provider, sample }) => {
    const keys = (id: string): unknown => keysOf(configured(provider), sampleSent(provider, sample, id))
    // Where every arrival is an event, it is so for copies as well.
    if (provider.everyArrival) expect(await keys(ID)).not.toEqual(await keys(ID))
    else expect(await keys(ID)).toEqual(await keys(ID))
    expect(await keys(ID)).not.toEqual(await keys(ID.replaceAll('0', 'f')))
  })

  it('without the template has no samples of unknown types', () => {
    const others = providers.filter((provider) => !templateProviders.includes(provider))
    expect(others.filter(({ name }) => sampleOf(name, 'no.such.type') !== undefined)).toEqual([])
  })
})

function isOfTwoForms(scheme: Scheme): boolean {
  return isSignature(scheme) || scheme.algorithm === 'static-secret'
}

const now = (): number => NOW_MS

/** A source of one scheme only, so that no other can let a request pass. */
function sourceOf({ provider, scheme }: Case, secrets: readonly string[]): Source {
  const name = scheme.verifiedBy ?? 'secret'
  const only = { ...provider, schemes: [scheme] }
  return defineSource(only, name === 'secret' ? { secret: secrets } : { otherSecrets: { [name]: secrets } })
}

/** A source with every secret that its provider knows. */
function configured(provider: Provider): Source {
  const names = new Map(
    provider.schemes.map((scheme, at) => [scheme.verifiedBy ?? 'secret', secretOf(scheme, at)]),
  )
  const { secret, ...otherSecrets } = Object.fromEntries(names)
  return defineAnySource(provider, { secret, otherSecrets }, otherKeys())
}

function secretOf(scheme: Scheme, number: number): string {
  if (scheme.algorithm === 'static-secret') return `the-static-secret-number-${number}`
  if (!isSignature(scheme)) return otherSecretOf(scheme, number)!
  const { as, stripPrefixes = [], minBytes = 32 } = scheme.key
  const pair = pairOf(scheme, number)
  if (pair !== undefined) return (stripPrefixes[0] ?? '') + pair.publicKey.toString(as)
  if (as === 'utf8') return `a signing secret, number ${number}`.padEnd(scheme.key.minBytes ?? 0, '.')
  return (stripPrefixes[0] ?? '') + Buffer.alloc(Math.max(minBytes, 32), number + 1).toString(as)
}

/** Where a public key verifies. */
function pairOf({ algorithm }: Scheme, number: number): KeyPair | undefined {
  return algorithm === 'ed25519' || algorithm === 'ecdsa-p256-sha256' ? keyPair(algorithm, number) : undefined
}

function mismatchOf(scheme: Scheme): Reason {
  return scheme.algorithm === 'static-secret' ? 'secret_mismatch' : 'signature_mismatch'
}

/** A sample of the provider under the scheme, or under whatever scheme it has a sample of. */
function signed(each: Case, secretNumber = 1): Sent {
  const own = samples.get(each.provider.name)!
  const sample = own.find(({ scheme }) => scheme === each.scheme.name) ?? own[0]!
  const source = sourceOf(each, [secretOf(each.scheme, secretNumber)])
  return sentBy(source, sample, ID, { secretNumber })
}

function sampleSent(provider: Provider, sample: Sample, id: string): Sent {
  return sentBy(configured(provider), sample, id, { scheme: sample.scheme, secretNumber: 0 })
}

function sentBy(
  source: Source,
  sample: Sample,
  id: string,
  { scheme, secretNumber }: { readonly scheme?: string; readonly secretNumber: number },
): Sent {
  const pair = pairOf(source.schemes[0]!.scheme, secretNumber)
  const built = sample.build({ id, nowMs: NOW_MS })
  const input = {
    ...built,
    nowMs: NOW_MS,
    id,
    url: URL,
    ...(scheme !== undefined && { scheme }),
    ...(pair !== undefined && { privateKey: pair.privateKey }),
  }
  const { headers, body, url } = signAny(source, input, secretNumber)
  return { headers: Object.entries({ ...built.headers, ...headers }), body, url }
}

function requestOf({ headers, body, url }: Sent): {
  method: string
  url: string
  headers: string[]
  body: Uint8Array
} {
  return { method: 'POST', url, headers: headers.flat(), body }
}

function arrive(each: Case, sent: Sent, nowMs = NOW_MS): Promise<Verdict> {
  return verify(requestOf(sent), sourceOf(each, [secretOf(each.scheme, 1)]), { now: () => nowMs })
}

function reasonOf(verdict: Verdict): Reason | 'ok' {
  return verdict.ok ? 'ok' : verdict.reason
}

async function reasonsOf(each: Case, requests: readonly Sent[]): Promise<readonly (Reason | 'ok')[]> {
  const source = sourceOf(each, [secretOf(each.scheme, 1)])
  const verdicts = await Promise.all(requests.map((sent) => verify(requestOf(sent), source, { now })))
  return verdicts.map(reasonOf)
}

/** The headers that the scheme looks at, of those that a signed request has. */
function countingHeaders(each: Case): readonly string[] {
  const { scheme } = each
  const places = isSignature(scheme)
    ? [...scheme.signature.in, scheme.timestamp?.in, scheme.id?.in, ...scheme.content]
    : 'secret' in scheme
      ? [scheme.secret]
      : []
  const named = places.flatMap((place) =>
    typeof place === 'object' && 'header' in place ? [place.header] : [],
  )
  const present = new Set(signed(each).headers.map(([name]) => name))
  return [...new Set([...named, ...Object.keys(scheme.required ?? {})])].filter((name) => present.has(name))
}

/** Positions in the body of what its scheme signs: all of it, or the values of some members and of the signature. */
function signedBytes(
  { content, derives, timestamp, id, signature, each }: SignatureScheme,
  body: Uint8Array,
): readonly number[] {
  if (content.includes('body') || derives === 'url-and-form') return Array.from(body, (_, at) => at)
  const joined = content.flatMap((part) =>
    typeof part === 'object' && 'derived' in part && part.derived === 'joined' ? part.places : [],
  )
  const ranges = [timestamp?.in, id?.in, ...signature.in, ...joined].flatMap((place) => {
    if (place === undefined || !('json' in place)) return []
    return (
      (each === undefined ? findMember(body, place.json) : findInEach(body, each, place.json)?.flat()) ?? []
    )
  })
  return ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at))
}

/** What may be reported before anything is computed, of a changed body that something is read from. */
function firstLooked({ timestamp, signature, derives }: SignatureScheme): readonly string[] {
  const isRead = derives !== undefined || signature.in.some((place) => 'json' in place)
  const isTimed = timestamp !== undefined && 'json' in timestamp.in
  return [
    ...(isTimed || isRead ? ['missing_header', 'malformed_timestamp'] : []),
    ...(isRead ? ['missing_content', 'bad_encoding', 'malformed_id', 'stale', 'future'] : []),
  ]
}

function signatureHeader({ signature }: SignatureScheme): string {
  const [place] = signature.in
  return place !== undefined && 'header' in place ? place.header : ''
}

function isTimeOf({ timestamp }: SignatureScheme, header: string): boolean {
  return timestamp !== undefined && 'header' in timestamp.in && timestamp.in.header === header
}

function valueOf({ headers }: Sent, name: string): string {
  return headers.find(([other]) => other === name)?.[1] ?? ''
}

function withHeader(sent: Sent, name: string, value: string): Sent {
  return { ...sent, headers: sent.headers.map(([other, own]) => [other, other === name ? value : own]) }
}

/** The encoded signature inside its header: the last thing in it that every provider writes. */
function signatureIn(value: string, { signature }: SignatureScheme): string {
  const start = signature.pairSeparator === undefined ? '' : `${signature.field}${signature.pairSeparator}`
  const from = `${start}${signature.prefix ?? ''}`
  return value.slice(from === '' ? 0 : value.lastIndexOf(from) + from.length)
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at]! ^= 1
  return copy
}

function changedAt(text: string, at: number): string {
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
}

async function keysOf(source: Source, sent: Sent): Promise<unknown> {
  const request = requestOf(sent)
  const checked = await source.checkFirst?.(source, request, NOW_MS)
  const verified = verifyRequest(request, source, NOW_MS, checked)
  if (!verified.ok) throw new Error(verified.reason)
  return fingerprintOf(newEvent(source.provider.name, source, verified.request, verified, [])).records
}
