/** What a signed message carries (RFC 9421 §3.1): every base is written out by hand and signed by `node:crypto`. */
import { createHash, createHmac, createPublicKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keyPair } from '../../../../test/support/key-pairs.ts'
import type { MessageSignatureScheme } from './scheme.ts'
import type { SignedRequest, SignInput } from './sign-input.ts'
import { signMessageRequest } from './sign-message.ts'

const NOW_MS = 1_700_000_000_999
const BODY = Buffer.from('{"id":"1"}')
const KEY = Buffer.from('secret')
const DIGEST = `sha-256=:${createHash('sha256').update(BODY).digest('base64')}:`

const SCHEME: MessageSignatureScheme = {
  name: 'signed',
  algorithm: 'http-message-signature',
  signedWith: 'hmac-sha256',
  key: { as: 'utf8' },
  components: ['@method', '@path'],
  timestamp: { toleranceSeconds: 300 },
}

function signedBy(
  scheme: Partial<MessageSignatureScheme> = {},
  input: Partial<SignInput> = {},
): SignedRequest {
  const unsigned = { headers: {}, body: BODY, url: '/hooks?a=1' }
  return signMessageRequest({ ...SCHEME, ...scheme }, KEY, { body: BODY, nowMs: NOW_MS, ...input }, unsigned)
}

const hmacOf = (base: string): string => `sig=:${createHmac('sha256', KEY).update(base).digest('base64')}:`

describe('a message', () => {
  it('is signed over what the scheme requires, in its order, and the second it is made in', () => {
    const params = '("@method" "@path");created=1700000000'
    const base = `"@method": POST\n"@path": /hooks\n"@signature-params": ${params}`
    expect(signedBy()).toEqual({
      url: '/hooks?a=1',
      body: BODY,
      headers: { 'signature-input': `sig=${params}`, signature: hmacOf(base) },
    })
  })

  it('is signed with another method, and fields that are given', () => {
    const { headers } = signedBy(
      { components: ['x-id', '@method'] },
      { method: 'PUT', headers: { 'X-Id': 'a' } },
    )
    const params = '("x-id" "@method");created=1700000000'
    const base = `"x-id": a\n"@method": PUT\n"@signature-params": ${params}`
    expect(headers).toEqual({ 'signature-input': `sig=${params}`, signature: hmacOf(base) })
  })

  it('carries the digest of its body where that is required, whatever digest was given', () => {
    const { headers } = signedBy(
      { components: ['content-digest'] },
      { headers: { 'content-digest': 'other' } },
    )
    const params = '("content-digest");created=1700000000'
    expect(headers).toEqual({
      'content-digest': DIGEST,
      'signature-input': `sig=${params}`,
      signature: hmacOf(`"content-digest": ${DIGEST}\n"@signature-params": ${params}`),
    })
  })

  it('carries what the scheme requires of headers, whatever else was given', () => {
    const scheme = { components: ['x-version'], required: { 'x-version': '1' } }
    const { headers } = signedBy(scheme, { headers: { 'x-version': '2' } })
    const params = '("x-version");created=1700000000'
    expect(headers).toEqual({
      'x-version': '1',
      'signature-input': `sig=${params}`,
      signature: hmacOf(`"x-version": 1\n"@signature-params": ${params}`),
    })
  })

  it('has the tag and the host of the scheme', () => {
    const scheme = { components: ['@authority'], tag: 'hooks "a"', origin: 'https://own.example' }
    const params = String.raw`("@authority");created=1700000000;tag="hooks \"a\""`
    expect(signedBy(scheme).headers).toEqual({
      'signature-input': `sig=${params}`,
      signature: hmacOf(`"@authority": own.example\n"@signature-params": ${params}`),
    })
  })

  it('is signed with a private key where the source has the public one', () => {
    const { privateKey } = keyPair('ed25519', 1)
    const { headers } = signedBy({ signedWith: 'ed25519', components: [] }, { privateKey })
    const signature = Buffer.from(headers['signature']!.slice('sig=:'.length, -1), 'base64')
    const base = Buffer.from('"@signature-params": ();created=1700000000')
    expect(verify(null, base, createPublicKey(privateKey), signature)).toBe(true)
  })

  it('cannot be signed with a tag that no field can hold', () => {
    expect(() => signedBy({ tag: 'hôoks' })).toThrow(
      expect.objectContaining({
        code: 'bad_scheme',
        message: "Cannot sign with 'signed': its tag or a component is not printable ASCII",
      }),
    )
  })

  it('cannot be signed where a component of it was not given', () => {
    expect(() => signedBy({ components: ['@method', 'x-id'] })).toThrow(
      expect.objectContaining({
        code: 'bad_scheme',
        message: "Cannot sign with 'signed': a component was not given",
      }),
    )
  })
})
