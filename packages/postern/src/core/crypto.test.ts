import * as crypto from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  constantTimeEqual,
  constantTimeEqualText,
  isHmac,
  randomBytes,
  sameSecret,
  sha256,
  SIGNATURE_BYTES,
  streamedDigest,
  type Algorithm,
} from './crypto.ts'
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

  // The digest of a key is made with it, and then each signature is two digests.
  it('prepares a key for an algorithm once', () => {
    const key = Buffer.from('a key of this test')
    const digests = (algorithm: Algorithm): number => {
      vi.mocked(crypto.hash).mockClear()
      computeSignature(algorithm, key, ['content'])
      return vi.mocked(crypto.hash).mock.calls.length
    }
    expect([digests('hmac-sha256'), digests('hmac-sha256'), digests('hmac-sha1')]).toEqual([3, 2, 3])
  })

  // 16 KiB for the padded key and the content. A UTF-16 unit takes three bytes of UTF-8 at most, and is counted so.
  it.each([
    ['hmac-sha256', 'bytes', 16 * 1024 - 64],
    ['hmac-sha512', 'bytes', 16 * 1024 - 128],
    ['hmac-sha1', 'text', (16 * 1024 - 64) / 3],
  ] as const)(
    'puts together for %s what is short, and streams what is longer: %s',
    (algorithm, kind, most) => {
      const key = Buffer.from('key')
      for (const [length, streamed] of [
        [0, 0],
        [most, 0],
        [most + 1, 1],
      ] as const) {
        vi.mocked(crypto.createHash).mockClear()
        computeSignature(algorithm, key, [kind === 'text' ? 'x'.repeat(length) : Buffer.alloc(length), ''])
        expect(crypto.createHash).toHaveBeenCalledTimes(streamed)
      }
    },
  )
})

describe('isHmac', () => {
  it('is of the three algorithms that are computed and compared, and of no inherited name', () => {
    expect(['hmac-sha1', 'hmac-sha256', 'hmac-sha512'].map(isHmac)).toEqual([true, true, true])
    expect(['', 'sha256', 'ed25519', 'HMAC-SHA256', 'constructor'].map(isHmac)).not.toContain(true)
  })
})

describe('streamedDigest', () => {
  // FIPS 180-2, appendix B.1.
  it.each([
    [['abc']],
    [['a', 'b', Buffer.from('c')]],
    [[Buffer.from('ab'), 'c']],
    [['', Buffer.from('abc'), '']],
  ])('gives what the standard has, however it is cut: %j', (parts) => {
    expect(Buffer.from(streamedDigest('sha256', parts), 'binary').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })

  it('takes bytes as they are, also where they are no text', () => {
    const bytes = Uint8Array.of(0xff, 0, 0xc3)
    const expected = crypto.createHash('sha256').update(bytes).update('a').digest('binary')
    expect(streamedDigest('sha256', [bytes, 'a'])).toBe(expected)
  })
})

describe('constantTimeEqualText', () => {
  const long = 'f'.repeat(128)

  it.each([
    [true, 'YWJj', 'YWJj'],
    [true, '', ''],
    [true, long, long],
    [false, 'YWJj', 'YWJk'],
    [false, 'YWJj', 'XWJj'],
    [false, 'YWJj', 'YWJ'],
    [false, 'YWJj', 'YWJj='],
    [false, 'YWJj', ''],
    [false, '', 'Y'],
  ])('is %s of %j and %j', (isEqual, expected, sent) => {
    expect(constantTimeEqualText(expected, sent)).toBe(isEqual)
  })

  // Cut to a byte U+0141 is an A, and the no-break space's two bytes begin with one more.
  it.each(['\u0141BC', 'AB\u0143', '\u00a0B', 'A\ud83d'])('takes %j for nothing in ASCII', (sent) => {
    expect(constantTimeEqualText('ABC', sent)).toBe(false)
  })

  it('has nothing left of what it compared before', () => {
    expect(constantTimeEqualText('aaaa', 'bbbb')).toBe(false)
    expect(constantTimeEqualText('cc', 'cc')).toBe(true)
    expect(constantTimeEqualText('dddd', 'dddd')).toBe(true)
    expect(constantTimeEqualText('aaaa', 'a\u00e9')).toBe(false)
    expect(constantTimeEqualText('aaaa', 'a\ud83da')).toBe(false)
  })

  it('compares by what OpenSSL compares with, and only what is as long', () => {
    vi.mocked(crypto.timingSafeEqual).mockClear()
    constantTimeEqualText('aaaa', 'bbbb')
    constantTimeEqualText('aaaa', 'bbbbb')
    expect(crypto.timingSafeEqual).toHaveBeenCalledTimes(1)
  })
})

describe('sameSecret', () => {
  it.each([
    [true, 'a secret', 'a secret'],
    [true, '', ''],
    [false, 'a secret', 'a secreT'],
    [false, 'a secret', 'a secret '],
    [false, 'a secret', ''],
    [false, '', 'a secret'],
  ])('is %s of %j and %j', (isSame, expected, sent) => {
    expect(sameSecret(Buffer.from(expected), Buffer.from(sent))).toBe(isSame)
  })

  it('compares hashes, so that time tells nothing of the length', () => {
    sameSecret(Buffer.from('expected'), Buffer.from('x'))
    const [[left, right]] = vi.mocked(crypto.timingSafeEqual).mock.calls as unknown as [[Buffer, Buffer]]
    expect([left, right]).toEqual([sha256('expected'), sha256('x')])
  })
})

describe('randomBytes', () => {
  it('are as many as are asked for, and never the same', () => {
    expect([0, 1, 32].map((length) => randomBytes(length).byteLength)).toEqual([0, 1, 32])
    expect(randomBytes(16)).not.toEqual(randomBytes(16))
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
