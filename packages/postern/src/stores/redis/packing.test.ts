import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { pack, unpack, type Packable, type Unpacked } from './packing.ts'

test('what is packed is unpacked again, texts as their bytes', () => {
  const values = fc.letrec<{ value: Packable }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }),
      // Without -0, which comes back as 0.
      fc.double({ noNaN: true }).map((value) => value || 0),
      fc.boolean(),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.array(tie('value'), { maxLength: 20 }),
    ),
  })).value
  fc.assert(
    fc.property(values, fc.nat(2000), (value, bytes) => {
      expect(unpack(pack(value, bytes))).toEqual(asUnpacked(value))
    }),
  )
})

test('long texts and bytes keep their length', () => {
  for (const length of [21_844, 21_845, 21_846, 70_000]) {
    const text = '🪝é'.repeat(length / 3)
    expect(unpack(pack([text, Buffer.from(text)]))).toEqual([Buffer.from(text), Buffer.from(text)])
  }
})

// Bytes as lua-cmsgpack writes them.
test.each<readonly [string, Unpacked]>([
  ['c0', undefined],
  ['ff', -1],
  ['d0 80', -128],
  ['d1 ff 00', -256],
  ['d2 ff ff 00 00', -65_536],
  ['d3 ff ff ff ff 00 00 00 00', -4_294_967_296],
  ['cc ff', 255],
  ['cd ff ff', 65_535],
  ['ce ff ff ff ff', 4_294_967_295],
  ['cf 00 00 01 97 80 00 00 00', 1_750_199_173_120],
  ['ca 3f 80 00 00', 1],
  ['a1 61', Buffer.from('a')],
  ['d9 01 61', Buffer.from('a')],
  ['92 c3 90', [true, []]],
  ['dc 00 01 c2', [false]],
])('%s is %j', (hex, value) => {
  expect(unpack(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toEqual(value)
})

test('a byte that begins nothing is no value', () => {
  expect(() => unpack(Buffer.of(0xc1))).toThrow('Byte 193')
})

function asUnpacked(value: Packable): Unpacked {
  if (typeof value === 'string') return Buffer.from(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (value instanceof Uint8Array) return Buffer.from(value)
  return value.map(asUnpacked)
}
