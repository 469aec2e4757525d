import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEDUPE_KEY_BYTES, dedupeKey } from './dedupe-key.ts'

function hexOf(...parts: Parameters<typeof dedupeKey>): string {
  return Buffer.from(dedupeKey(...parts)).toString('hex')
}

describe('a dedupe key', () => {
  test('is 16 bytes, the same for the same parts', () => {
    expect(dedupeKey('id', '', 'shop', 'evt_1')).toHaveLength(DEDUPE_KEY_BYTES)
    expect(hexOf('id', '', 'shop', 'evt_1')).toBe(hexOf('id', '', 'shop', 'evt_1'))
  })

  test('is what stored keys were made by: changing it would forget every id', () => {
    const expected = createHash('sha256').update('2:id0:4:shop5:evt_1').digest('hex').slice(0, 32)
    expect(hexOf('id', '', 'shop', 'evt_1')).toBe(expected)
  })

  test('does not let one part flow into the next', () => {
    expect(hexOf('id', '', 'ab', 'c')).not.toBe(hexOf('id', '', 'a', 'bc'))
    expect(hexOf('id', 'ab', 'c', 'x')).not.toBe(hexOf('id', 'a', 'bc', 'x'))
    expect(hexOf('id', '', 'a', 'b', 'c')).not.toBe(hexOf('id', '', 'a', 'bc'))
    expect(hexOf('id', '', 'a', '1:b')).not.toBe(hexOf('id', '', 'a', '', 'b'))
  })

  test('differs by kind, tenant, source and id', () => {
    const keys = [
      hexOf('id', 'acme', 'shop', 'evt_1'),
      hexOf('body', 'acme', 'shop', 'evt_1'),
      hexOf('conflict', 'acme', 'shop', 'evt_1'),
      hexOf('id', 'initech', 'shop', 'evt_1'),
      hexOf('id', 'acme', 'bank', 'evt_1'),
      hexOf('id', 'acme', 'shop', 'evt_2'),
    ]
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('differs wherever its parts differ', () => {
    const parts = fc.tuple(fc.string(), fc.string(), fc.array(fc.string(), { minLength: 1, maxLength: 3 }))
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const isSame = JSON.stringify(left) === JSON.stringify(right)
        const [leftKey, rightKey] = [left, right].map(([tenant, source, rest]) =>
          hexOf('id', tenant, source, ...rest),
        )
        expect(leftKey === rightKey).toBe(isSame)
      }),
    )
  })
})
