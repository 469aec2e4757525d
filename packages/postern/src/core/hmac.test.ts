import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HmacKey } from './hmac.ts'

const ALGORITHMS = [
  { algorithm: 'hmac-sha1', hashName: 'sha1', blockBytes: 64 },
  { algorithm: 'hmac-sha256', hashName: 'sha256', blockBytes: 64 },
  { algorithm: 'hmac-sha512', hashName: 'sha512', blockBytes: 128 },
] as const

/** Lone surrogates as well, which have no UTF-8 of their own. */
const text = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) })
const bytes = fc.uint8Array({ maxLength: 300 })
const parts = fc.array(fc.oneof(text, bytes), { maxLength: 5 })

/** Texts side by side are one text: two halves of a surrogate pair are one character, and apart no characters at all. */
function reference(hashName: string, key: Uint8Array, content: readonly (string | Uint8Array)[]): string {
  const hmac = createHmac(hashName, key)
  let before = ''
  for (const part of content) {
    if (typeof part === 'string') before += part
    else {
      hmac.update(before).update(part)
      before = ''
    }
  }
  return hmac.update(before).digest('hex')
}

describe.each(ALGORITHMS)('$algorithm', ({ algorithm, hashName, blockBytes }) => {
  it('is what OpenSSL makes of the same key and content', () => {
    fc.assert(
      fc.property(bytes, fc.array(parts, { minLength: 1, maxLength: 3 }), (key, contents) => {
        const hmacKey = new HmacKey(algorithm, key)
        // One key for all: nothing of one content may be left for the next.
        for (const content of contents)
          expect(hmacKey.sign(content, 'hex')).toBe(reference(hashName, key, content))
      }),
    )
  })

  it.each([0, blockBytes - 1, blockBytes, blockBytes + 1])('takes a key of %i bytes', (length) => {
    const key = Uint8Array.from({ length }, (_, index) => index)
    expect(new HmacKey(algorithm, key).sign(['content'], 'hex')).toBe(reference(hashName, key, ['content']))
  })

  // 16 KiB are put together in one place, and text may take three bytes a unit.
  it.each([16 * 1024 - blockBytes - 1, 16 * 1024 - blockBytes, 16 * 1024 - blockBytes + 1, 1024 * 1024])(
    'takes content of %i bytes',
    (length) => {
      const key = Buffer.from('key')
      for (const content of [
        [Buffer.alloc(length, 7)],
        ['xyz', Buffer.alloc(length - 3, 7)],
        ['€'.repeat(length / 3), 'é'],
        ['x'.repeat(length)],
      ])
        expect(new HmacKey(algorithm, key).sign(content, 'hex')).toBe(reference(hashName, key, content))
    },
  )

  // A half of a surrogate pair alone would be written as U+FFFD, and the emoji be two of those.
  it.each([0, 16 * 1024])('takes texts side by side as one, behind %i bytes', (length) => {
    const key = Buffer.from('key')
    const hmacKey = new HmacKey(algorithm, key)
    const [before, emoji] = [Buffer.alloc(length, 7), '\u{1f600}']
    for (const halves of [
      ['\ud83d', '\ude00'],
      ['', '\ud83d', '', '\ude00', ''],
    ]) {
      expect(hmacKey.sign([before, ...halves], 'hex')).toBe(reference(hashName, key, [before, emoji]))
      expect(hmacKey.sign([...halves, before], 'hex')).toBe(reference(hashName, key, [emoji, before]))
    }
  })

  it.each(['hex', 'base64', 'base64url'] as const)('writes a signature in %s', (encoding) => {
    const key = Buffer.from('key')
    const signature = Buffer.from(reference(hashName, key, ['content']), 'hex')
    expect(new HmacKey(algorithm, key).sign(['content'], encoding)).toBe(signature.toString(encoding))
  })
})
