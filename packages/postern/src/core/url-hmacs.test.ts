import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { CheckResult, Derive } from './check.ts'
import { Keyring } from './keyring.ts'
import { readable } from './place.ts'
import type { WebhookRequest } from './request.ts'
import type { Part, Place, SignatureScheme } from './scheme.ts'
import { deriveUrl, urlHmacs, withDigest } from './url-hmacs.ts'

const SECRET = 'a signing secret, long enough'
const URL = 'https://example.com/hooks?a=b'
const JSON_BODY = '{"n":1}'

const formOrDigest = { derived: 'form-or-digest', digestIn: 'bodyDigest' } as const
const scheme: SignatureScheme = {
  name: 'own',
  algorithm: 'hmac-sha1',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'base64' },
  content: ['url', formOrDigest],
  derives: 'url-and-form',
}

function hmac(content: string, algorithm = 'sha1', secret = SECRET): string {
  return createHmac(algorithm, secret).update(content).digest('base64')
}

function digest(body: string): string {
  return createHash('sha256').update(body).digest('hex')
}

interface Sent {
  readonly url: string
  readonly body?: string
  readonly signed: string
}

function arrival({ url, body = '', signed }: Sent): WebhookRequest {
  return { method: 'POST', url, headers: ['X-Signature', signed], body: Buffer.from(body) }
}

function checked(sent: Sent, own = scheme, keys = new Keyring([SECRET], own.key)): CheckResult {
  return urlHmacs.check(own, keys, arrival(sent), { nowMs: 0 })
}

function reasonOf(sent: Sent, own = scheme): string {
  const result = checked(sent, own)
  return result.ok ? 'ok' : result.reason
}

describe('a URL that is signed with the form after it', () => {
  it.each(['sha1', 'sha256', 'sha512'] as const)('passes with an HMAC of %s', (name) => {
    const own: SignatureScheme = { ...scheme, algorithm: `hmac-${name}` }
    const sent = { url: URL, body: 'b=2&a=1', signed: hmac(`${URL}a1b2`, name) }
    expect(urlHmacs.algorithms).toContain(own.algorithm)
    expect(checked(sent, own)).toEqual({ ok: true, secretIndex: 0 })
  })

  it('fails where either was changed', () => {
    const signed = hmac(`${URL}a1b2`)
    expect(reasonOf({ url: URL, body: 'a=1&b=2', signed })).toBe('ok')
    expect(reasonOf({ url: URL, body: 'a=1&b=3', signed })).toBe('signature_mismatch')
    expect(reasonOf({ url: URL, signed })).toBe('signature_mismatch')
    expect(reasonOf({ url: `${URL}c`, body: 'a=1&b=2', signed })).toBe('signature_mismatch')
  })

  it.each([
    ['without its port', 'https://example.com:443/hooks?a=b', 'https://example.com/hooks?a=b'],
    ['with its port', 'https://example.com/hooks?a=b', 'https://example.com:443/hooks?a=b'],
    ['with quotes escaped', "https://example.com/hooks?a='", 'https://example.com/hooks?a=%27'],
  ])('passes in the spelling that was signed: %s', (_, url, spelling) => {
    const signed = hmac(`${spelling}a1`)
    expect(reasonOf({ url, body: 'a=1', signed })).toBe('ok')
    expect(reasonOf({ url, body: 'a=2', signed })).toBe('signature_mismatch')
  })

  it('says which of several secrets it was signed with, in any spelling', () => {
    const keys = new Keyring(['a newer secret, not used yet', SECRET], scheme.key)
    expect(checked({ url: URL, signed: hmac(URL) }, scheme, keys)).toEqual({ ok: true, secretIndex: 1 })
    const signed = hmac('https://example.com:443/hooks?a=b')
    expect(checked({ url: URL, signed }, scheme, keys)).toEqual({ ok: true, secretIndex: 1 })
  })

  it('is not there where the body is no form', () => {
    expect(reasonOf({ url: URL, body: 'a=%FF', signed: hmac(URL) })).toBe('missing_content')
    expect(reasonOf({ url: URL, body: JSON_BODY.repeat(2) + ' ', signed: hmac(URL) })).toBe('missing_content')
  })
})

describe('a URL that ends in the digest of the body', () => {
  const url = `${URL}&bodyDigest=${digest(JSON_BODY)}`

  it('is signed alone', () => {
    expect(reasonOf({ url, body: JSON_BODY, signed: hmac(url) })).toBe('ok')
    expect(reasonOf({ url, body: JSON_BODY, signed: hmac(url + JSON_BODY) })).toBe('signature_mismatch')
  })

  it('may have it in capitals, and as its only parameter', () => {
    const capitals = `${URL}&bodyDigest=${digest(JSON_BODY).toUpperCase()}`
    expect(reasonOf({ url: capitals, body: JSON_BODY, signed: hmac(capitals) })).toBe('ok')
    const only = `https://example.com/?bodyDigest=${digest(JSON_BODY)}`
    expect(reasonOf({ url: only, body: JSON_BODY, signed: hmac(only) })).toBe('ok')
  })

  it('fails with any other body, a form as well', () => {
    for (const body of ['', '{"n":2}', `${JSON_BODY} `, 'a=1'])
      expect(reasonOf({ url, body, signed: hmac(url) })).toBe('signature_mismatch')
  })

  it('is refused for what is wrong before its body is looked at', () => {
    expect(reasonOf({ url, body: 'another', signed: 'no signature' })).toBe('bad_encoding')
    const keys = new Keyring([], scheme.key)
    expect(checked({ url, body: 'another', signed: hmac(url) }, scheme, keys)).toMatchObject({
      reason: 'no_secret',
    })
  })

  const own = digest(JSON_BODY)
  it.each([
    ['elsewhere', `?bodyDigest=${own}&a=b`],
    ['in the middle of a parameter', `?a=xbodyDigest=${own}`],
    ['twice', `?bodyDigest=${own}&bodyDigest=${own}`],
    ['with its name again right behind it', `?bodyDigest=${own}bodyDigest=`],
    ['without a sign', '?bodyDigest'],
    ['without a value', '?bodyDigest='],
    ['a digit short', `?bodyDigest=${own.slice(1)}`],
    ['a digit long', `?bodyDigest=${own}0`],
    ['with a digit before', `?bodyDigest=0${own}`],
    ['with a letter that is no digit', `?bodyDigest=${own.slice(1)}g`],
    ['with something that is no digit at all', `?bodyDigest=${'-'.repeat(64)}`],
  ])('is nothing that is signed where it stands %s', (_, query) => {
    const asked = `https://example.com/hooks${query}`
    expect(reasonOf({ url: asked, body: JSON_BODY, signed: hmac(asked) })).toBe('missing_content')
  })

  it('has it in its query, not in its path', () => {
    const path = `https://example.com/bodyDigest=${own}`
    expect(reasonOf({ url: path, body: 'a=1', signed: hmac(`${path}a1`) })).toBe('ok')
    expect(reasonOf({ url: path, body: 'a=1', signed: hmac(path) })).toBe('signature_mismatch')
  })
})

describe('a URL of the receiver itself', () => {
  const own: SignatureScheme = {
    ...scheme,
    content: [{ derived: 'public-url', base: 'https://public.example/in' }, formOrDigest, { literal: '.' }],
  }

  it('is signed with the query of the request behind it, in any of its spellings', () => {
    const asked = 'https://public.example/in?a=b?c'
    expect(reasonOf({ url: '/proxied?a=b?c', signed: hmac(`${asked}.`) }, own)).toBe('ok')
    expect(reasonOf({ url: '/proxied', signed: hmac('https://public.example/in.') }, own)).toBe('ok')
    const withPort = 'https://public.example:443/in.'
    expect(reasonOf({ url: 'http://localhost:3000', signed: hmac(withPort) }, own)).toBe('ok')
    expect(reasonOf({ url: asked, signed: hmac(`${asked}x.`) }, own)).toBe('signature_mismatch')
  })

  it('may end in the digest of the body too', () => {
    const query = `?undefined=1&bodyDigest=${digest(JSON_BODY)}`
    const signed = hmac(`https://public.example/in${query}.`)
    expect(reasonOf({ url: `/proxied${query}`, body: JSON_BODY, signed }, own)).toBe('ok')
    expect(reasonOf({ url: `/proxied${query}`, body: '{}', signed }, own)).toBe('signature_mismatch')
  })

  it('is nothing that stands in a request where it is derived otherwise', () => {
    const request = arrival({ url: '/', body: 'a=1', signed: '' })
    const derived: readonly Part[] = [
      { derived: 'escaped-path' },
      { derived: 'joined', places: [], separator: '.', free: { json: ['a'] } },
    ]
    for (const part of derived)
      expect(deriveUrl(part as Parameters<Derive>[0], request, readable(request))).toBeUndefined()
  })
})

describe('the digest of a body', () => {
  it('is added to the end of a URL, behind a query or as its first parameter', () => {
    const added = `bodyDigest=${digest(JSON_BODY)}`
    expect(withDigest(formOrDigest, 'https://h/a', Buffer.from(JSON_BODY))).toBe(`https://h/a?${added}`)
    expect(withDigest(formOrDigest, 'https://h/a?b', Buffer.from(JSON_BODY))).toBe(`https://h/a?b&${added}`)
  })

  it.each<Part>(['url', { literal: 'x' }, { header: 'x' }, { derived: 'public-url', base: 'https://h' }])(
    'is not added for %j',
    (part) => {
      expect(withDigest(part, 'https://h/a', Buffer.from(JSON_BODY))).toBe('https://h/a')
    },
  )
})

describe('the method of URLs', () => {
  it('takes schemes of a URL and a form only', () => {
    const { derives: _, ...plain } = scheme
    expect(
      [scheme, plain, { ...scheme, derives: 'items' as const }].map((own) => urlHmacs.takes?.(own)),
    ).toEqual([true, false, false])
  })

  it('is of the three HMACs, and of nothing else', () => {
    expect(urlHmacs.algorithms).toEqual(['hmac-sha1', 'hmac-sha256', 'hmac-sha512'])
  })

  it('complains of a scheme that signs nothing', () => {
    expect(urlHmacs.complaint(scheme, [scheme])).toBeUndefined()
    expect(urlHmacs.complaint({ ...scheme, content: [] }, [scheme])).toBe('signs nothing')
  })

  it('makes keys as the scheme has them', () => {
    const keys = urlHmacs.keyring(['6b6579', '6b6579'], { ...scheme, key: { as: 'hex' } })
    expect([keys.size, Buffer.from(keys.first()!).toString()]).toEqual([2, 'key'])
  })

  it('reads bodies of JSON, and of a form where they are none', () => {
    const read = (body: string): unknown => urlHmacs.parse?.(Buffer.from(body))
    expect(read('{"a":"b"}')).toEqual({ a: 'b' })
    expect(read('a=b&c=d')).toEqual({ a: 'b', c: 'd' })
    expect(read('{"a": "b"')).toBeUndefined()
  })
})

describe('what a signed URL has signed', () => {
  const signature: Place = { header: 'x-signature' }
  const { signature: rule } = scheme

  it('is the body, and what the content names', () => {
    expect(urlHmacs.signs?.({ json: ['any'] }, scheme)).toBe(true)
    expect(urlHmacs.signs?.({ header: 'x-other' }, scheme)).toBe(false)
    expect(urlHmacs.signs?.({ query: 'x-signature' }, scheme)).toBe(false)
    const more: SignatureScheme = { ...scheme, content: [...scheme.content, { header: 'x-other' }] }
    expect(urlHmacs.signs?.({ header: 'x-other' }, more)).toBe(true)
  })

  it.each<[string, SignatureScheme['signature'], boolean]>([
    ['the one header of it', rule, true],
    [
      'one of two headers, of which anybody may add the other',
      { ...rule, in: [signature, { header: 'x' }] },
      false,
    ],
    ['one of two headers, the last', { ...rule, in: [{ header: 'x' }, signature] }, false],
    ['another header', { ...rule, in: [{ header: 'x' }] }, false],
    ['no place', { ...rule, in: [] }, false],
    ['hex, which has two spellings', { ...rule, encoding: 'hex' }, false],
    ['a list, which anybody may extend', { ...rule, separator: ',' }, false],
  ])('is the signature itself where it stands in base64 in %s: %#', (_, own, isSigned) => {
    expect(urlHmacs.signs?.(signature, { ...scheme, signature: own })).toBe(isSigned)
  })
})
