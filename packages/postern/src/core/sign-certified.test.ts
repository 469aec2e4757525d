/** Where a certified signature is put, and what it is over: verified by `node:crypto` over content that is written by hand. */
import { createPublicKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { RSA_PRIVATE_KEY } from '../../../../test/support/rsa-key.ts'
import type { CertificateScheme } from './scheme.ts'
import { signCertified } from './sign-certified.ts'
import type { SignedRequest, SignInput } from './sign-input.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const TIME = '2026-03-02T22:20:01.000Z'

const SCHEME: CertificateScheme = {
  name: 'certified',
  algorithm: 'rsa-certificate',
  digest: 'sha256',
  signature: { at: { header: 'signature' }, encoding: 'base64' },
  certificate: { at: { header: 'certificate' }, hosts: 'a', paths: '/', trust: 'host' },
  timestamp: { in: { header: 'time' }, unit: 'rfc3339' },
  content: ['timestamp', { literal: '|' }, 'configured'],
}

function signedBy(
  scheme: Partial<CertificateScheme> = {},
  input: Partial<SignInput> = {},
  body = '{"a":"1"}',
): SignedRequest {
  const request = { headers: {}, body: Buffer.from(body), url: '/hooks?id=7' }
  const whole = { body, nowMs: NOW_MS, privateKey: RSA_PRIVATE_KEY, ...input }
  return signCertified({ ...SCHEME, ...scheme }, Buffer.from('mine ü'), whole, request)
}

function expectSigned(content: string, signature: unknown, digest = 'sha256'): void {
  const bytes = Buffer.from(String(signature), 'base64')
  expect(verify(digest, Buffer.from(content), createPublicKey(RSA_PRIVATE_KEY), bytes)).toBe(true)
}

describe('a certified request', () => {
  it('carries its time and its signature in headers, where they stand there', () => {
    const { headers, body, url } = signedBy()
    expect([url, String(body)]).toEqual(['/hooks?id=7', '{"a":"1"}'])
    expect(Object.keys(headers)).toEqual(['time', 'signature'])
    expect(headers['time']).toBe(TIME)
    expectSigned(`${TIME}|mine ü`, headers['signature'])
  })

  it('carries them in its body, beside what is there, where they stand there', () => {
    const { headers, body } = signedBy(
      {
        digest: 'sha1',
        signature: { at: { json: ['Signature'] }, encoding: 'base64' },
        timestamp: { in: { json: ['Time'] }, unit: 'seconds' },
        content: [{ lines: ['Time', 'a'] }],
      },
      {},
      '{"Time":"any","a":"1","b":[2]}',
    )
    expect(headers).toEqual({})
    const { Signature, ...others } = JSON.parse(String(body)) as Record<string, unknown>
    expect(others).toEqual({ Time: '1772490001', a: '1', b: [2] })
    expectSigned('Time\n1772490001\na\n1\n', Signature, 'sha1')
  })

  it('signs headers that are given, and those that the scheme requires', () => {
    const scheme: Partial<CertificateScheme> = {
      required: { version: '1' },
      content: [{ header: 'version' }, { header: 'id' }, { header: 'time' }, { query: 'id' }],
    }
    const { headers } = signedBy(scheme, { headers: { id: '2' } })
    expect(Object.keys(headers)).toEqual(['version', 'time', 'signature'])
    expectSigned(`12${TIME}7`, headers['signature'])
    const given = signedBy(scheme, { headers: { id: '2', version: '3' } })
    expectSigned(`32${TIME}7`, given.headers['signature'])
  })

  it('signs its body as it is with the time in it', () => {
    const { headers, body } = signedBy(
      { timestamp: { in: { json: ['t'] }, unit: 'milliseconds' }, content: ['crc32'] },
      {},
      '{}',
    )
    expect(String(body)).toBe(`{"t":"${NOW_MS}"}`)
    // The CRC-32 of that body by zlib.
    expectSigned('2964721109', headers['signature'])
  })

  it('is left as it is where a time stands in the query, which is the caller’s', () => {
    const { headers, body, url } = signedBy({ timestamp: { in: { query: 't' }, unit: 'seconds' } })
    expect([url, String(body), Object.keys(headers)]).toEqual(['/hooks?id=7', '{"a":"1"}', ['signature']])
    expectSigned('1772490001|mine ü', headers['signature'])
  })

  it('cannot be signed without the private key, or a part of its content', () => {
    expect(() => signedBy({}, { privateKey: undefined } as unknown as Partial<SignInput>)).toThrow(
      expect.objectContaining({
        code: 'bad_scheme',
        message: "Cannot sign with 'certified' without its private key",
      }),
    )
    expect(() => signedBy({ content: [{ header: 'absent' }] })).toThrow(
      expect.objectContaining({
        code: 'bad_scheme',
        message: "Cannot sign with 'certified' since a part of its signed content was not given",
      }),
    )
  })
})
