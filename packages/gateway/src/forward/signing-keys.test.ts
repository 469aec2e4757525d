import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { SigningKeys } from './signing-keys.ts'

const BEGINNING = 'msg_abc.1700000000.'

describe('SigningKeys', () => {
  /** Around what SHA-256 takes at a time, above which a key is replaced by its digest. */
  test.each([24, 32, 63, 64, 65, 96, 200])(
    "signs as OpenSSL's HMAC does, with a key of %i bytes",
    (length) => {
      const key = bytes(length, 1)
      const body = bytes(700, 2)
      expect(new SigningKeys([key]).sign(BEGINNING, body)).toEqual([hmac(key, body)])
    },
  )

  /** Up to what is put together, and on: longer content is streamed. */
  test.each([0, 1, 16_300, 16_301, 16_302, 16_384, 1_000_000])(
    "signs as OpenSSL's HMAC does, with a body of %i bytes",
    (length) => {
      const key = bytes(32, 3)
      const body = bytes(length, 4)
      expect(new SigningKeys([key]).sign(BEGINNING, body)).toEqual([hmac(key, body)])
    },
  )

  test('signs with each of several keys, in their order, and the same again', () => {
    const keys = [bytes(32, 5), bytes(80, 6), bytes(24, 7)]
    const signing = new SigningKeys(keys)
    const long = bytes(20_000, 8)
    for (const body of [bytes(700, 9), bytes(10, 10), long, bytes(700, 11)]) {
      expect(signing.sign(BEGINNING, body)).toEqual(keys.map((key) => hmac(key, body)))
    }
  })
})

function hmac(key: Uint8Array, body: Uint8Array): string {
  return createHmac('sha256', key).update(BEGINNING).update(body).digest('base64')
}

function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_each, index) => (index * 31 + seed * 17 + (index >> 8)) & 0xff)
}
