import * as jose from 'jose'
import { describe, expect, it } from 'vitest'
import { defineAnySource, type AnyKeys } from './any-source.ts'
import { PosternError } from './errors.ts'
import type { KeyFetch } from './fetched-keys.ts'
import type { CertificateScheme, MessageSignatureScheme, Scheme, TokenScheme } from './scheme.ts'
import type { KeyedSourceOptions } from './source-options.ts'
import type { Source } from './source.ts'
import { verify } from './verify.ts'
import { bodyScheme as hmac } from '../../../../test/support/body-scheme.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const NOW = String(NOW_MS / 1000)
const KEYS_URL = 'https://issuer.example/keys'
const CERTIFICATE_URL = 'https://sender.example/certificate'

const carried: Scheme = { name: 'carried', algorithm: 'static-secret', secret: { header: 'x-secret' } }
const message: MessageSignatureScheme = {
  name: 'message',
  algorithm: 'http-message-signature',
  signedWith: 'hmac-sha256',
  key: { as: 'utf8' },
  components: ['@method', 'content-digest'],
  timestamp: { toleranceSeconds: 300 },
}
const certified: CertificateScheme = {
  name: 'certified',
  algorithm: 'rsa-certificate',
  digest: 'sha256',
  signature: { at: { header: 'x-signature' }, encoding: 'base64' },
  certificate: { at: { header: 'x-certificate' }, hosts: 'sender\\.example', paths: '/.*', trust: 'host' },
  timestamp: { in: { header: 'x-timestamp' }, unit: 'seconds' },
  content: ['timestamp', 'configured', 'crc32'],
}
const token: TokenScheme = {
  name: 'token',
  algorithm: 'jwt',
  token: { header: 'authorization', authScheme: 'Bearer' },
  keysUrl: KEYS_URL,
  issuers: ['https://issuer.example'],
  maxAgeSeconds: 3600,
  timestamp: { toleranceSeconds: 300 },
}

function sourceOf(scheme: Scheme, keys?: AnyKeys, options?: KeyedSourceOptions): Source {
  return defineAnySource({ name: 'own', title: 'Own', schemes: [scheme], envelopes: [] }, options, keys)
}

describe('a source of any scheme', () => {
  it.each([hmac, carried, message, certified])('takes $name', (scheme) => {
    expect(sourceOf(scheme).schemes.map((own) => own.scheme)).toEqual([scheme])
  })

  it('takes tokens where it is handed what reads them', () => {
    expect(sourceOf(token, { jose }).schemes.map((own) => own.scheme)).toEqual([token])
    expect(() => sourceOf(token)).toThrow(
      new PosternError('bad_scheme', "own: scheme 'token' has an unknown algorithm, 'jwt'"),
    )
    expect(() => sourceOf(token, {})).toThrow(PosternError)
  })

  it('is refused of a scheme that nobody knows, whatever it is handed', () => {
    const unknown = { ...hmac, name: 'odd', algorithm: 'rot13' } as unknown as Scheme
    for (const keys of [{}, { jose }]) {
      expect(() => sourceOf(unknown, keys)).toThrow(
        new PosternError('bad_scheme', "own: scheme 'odd' has an unknown algorithm, 'rot13'"),
      )
    }
  })

  it('has the options that are given', () => {
    expect(sourceOf(hmac, {}, { maxBodyBytes: 10 }).maxBodyBytes).toBe(10)
  })

  it.each([
    { scheme: token, headers: ['Authorization', 'Bearer a.b.c'], url: KEYS_URL },
    {
      scheme: certified,
      headers: ['x-signature', 'AAAA', 'x-certificate', CERTIFICATE_URL, 'x-timestamp', NOW],
      url: CERTIFICATE_URL,
    },
  ])('fetches keys by what it is handed: $scheme.name', async ({ scheme, headers, url }) => {
    const asked: string[] = []
    const fetch: KeyFetch = (address) => {
      asked.push(address)
      return Promise.resolve(new Response(null, { status: 404 }))
    }
    const source = sourceOf(scheme, { jose, fetch }, { secret: 'who is expected' })
    const verdict = await verify({ headers, body: Buffer.from('{}') }, source, { now: () => NOW_MS })
    expect(verdict).toEqual({ ok: false, reason: 'key_unavailable' })
    expect(asked).toEqual([url])
  })
})
