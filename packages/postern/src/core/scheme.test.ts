import { describe, expect, it } from 'vitest'
import { bodyScheme as signed } from '../../../../test/support/body-scheme.ts'
import { isSignature, type Scheme } from './scheme.ts'

const certified: Scheme = {
  name: 'certified',
  algorithm: 'rsa-certificate',
  digest: 'sha256',
  signature: { at: { header: 'x-signature' }, encoding: 'base64' },
  certificate: {
    at: { header: 'x-certificate-url' },
    hosts: 'keys.example.com',
    paths: '/keys/*.pem',
    trust: 'host',
  },
  timestamp: { in: { header: 'x-timestamp' }, unit: 'rfc3339' },
  content: ['timestamp'],
}

const others: readonly Scheme[] = [
  certified,
  { name: 'sent', algorithm: 'static-secret', secret: { header: 'x-token' } },
  {
    name: 'token',
    algorithm: 'jwt',
    token: { header: 'authorization', authScheme: 'Bearer' },
    keysUrl: 'https://example.com/keys',
    issuers: ['https://example.com'],
    maxAgeSeconds: 3600,
    timestamp: { toleranceSeconds: 300 },
  },
  {
    name: 'message',
    algorithm: 'http-message-signature',
    signedWith: 'ed25519',
    key: { as: 'base64' },
    components: ['@method'],
    timestamp: { toleranceSeconds: 300 },
  },
]

describe('isSignature', () => {
  it('holds for a scheme that says which parts of a request are signed', () => {
    expect(isSignature(signed)).toBe(true)
  })

  it.each(others)('does not hold for $algorithm', (scheme) => {
    expect(isSignature(scheme)).toBe(false)
  })
})
