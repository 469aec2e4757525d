import * as crypto from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { constantTimeEqual, sha256, SIGNATURE_BYTES, type Algorithm } from './crypto.ts'
import { computeSignature } from './hmac.ts'

vi.mock('node:crypto', { spy: true })

beforeEach(() => {
  vi.clearAllMocks()
})

describe('computeSignature', () => {
  // RFC 2202 §3 and RFC 4231 §4.3: key "Jefe", data "what do ya want for nothing?".
  const rfc: readonly [Algorithm, string][] = [
    ['hmac-sha1', 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
    ['hmac-sha256', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    [
      'hmac-sha512',
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
    ],
  ]

  it.each(rfc)('gives what the RFC has for %s', (algorithm, expected) => {
    const signature = computeSignature(algorithm, Buffer.from('Jefe'), [
      'what do ya want ',
      Buffer.from('for nothing?'),
    ])
    expect(Buffer.from(signature).toString('hex')).toBe(expected)
    expect(signature.byteLength).toBe(SIGNATURE_BYTES[algorithm])
  })

  it('takes strings as UTF-8 and bytes as they are', () => {
    const key = Buffer.from('key')
    expect(computeSignature('hmac-sha256', key, ['é'])).toEqual(
      computeSignature('hmac-sha256', key, [Uint8Array.of(0xc3, 0xa9)]),
    )
    expect(computeSignature('hmac-sha256', key, [Uint8Array.of(0xff)])).not.toEqual(
      computeSignature('hmac-sha256', key, ['\uFFFD']),
    )
  })

  it('inserts a `$$` as two characters', () => {
    const key = Buffer.from('key')
    expect(computeSignature('hmac-sha256', key, ['a.', '$$ $& $1'])).toEqual(
      computeSignature('hmac-sha256', key, ['a.$$ $& $1']),
    )
  })
})

describe('constantTimeEqual', () => {
  it('is true for equal bytes in different memory', () => {
    expect(constantTimeEqual(Buffer.from('same'), Uint8Array.from(Buffer.from('same')))).toBe(true)
  })

  it('looks at a view only, not at the memory around it', () => {
    const memory = Buffer.from('xxsameyyysame')
    expect(constantTimeEqual(memory.subarray(2, 6), memory.subarray(9))).toBe(true)
    expect(constantTimeEqual(memory.subarray(1, 5), memory.subarray(9))).toBe(false)
  })

  it.each([
    ['the left is a prefix', 'sam', 'same'],
    ['the right is a prefix', 'same', 'sam'],
    ['the left is empty', '', 'same'],
    ['the right is empty', 'same', ''],
    ['the last byte differs', 'same', 'samf'],
    ['the first byte differs', 'same', 'tame'],
  ])('is false, and does not throw, where %s', (_, left, right) => {
    expect(constantTimeEqual(Buffer.from(left), Buffer.from(right))).toBe(false)
  })

  it('leaves the comparison to timingSafeEqual', () => {
    constantTimeEqual(Buffer.from('same'), Buffer.from('samf'))
    expect(crypto.timingSafeEqual).toHaveBeenCalledOnce()
  })
})

describe('sha256', () => {
  it('digests the UTF-8 of a string', () => {
    expect(sha256('').toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    expect(sha256('é')).toEqual(sha256(Buffer.from('é')))
  })

  it('tells bodies apart that decode to the same text', () => {
    expect(sha256(Uint8Array.of(0xff))).not.toEqual(sha256(Uint8Array.of(0xfe)))
  })
})
