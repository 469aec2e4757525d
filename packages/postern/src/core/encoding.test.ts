import { describe, expect, it } from 'vitest'
import { decodeStrictly, encode, type Encoding } from './encoding.ts'

const accepted: readonly [Encoding, string, readonly number[]][] = [
  ['hex', '00', [0]],
  ['hex', 'deadbeef', [0xde, 0xad, 0xbe, 0xef]],
  ['hex', 'DEADBEEF', [0xde, 0xad, 0xbe, 0xef]],
  ['hex', 'DeadBeef', [0xde, 0xad, 0xbe, 0xef]],
  ['base64', 'AA==', [0]],
  ['base64', '+/8=', [0xfb, 0xff]],
  ['base64', 'TWFu', [77, 97, 110]],
  ['base64url', 'AA', [0]],
  ['base64url', '-_8', [0xfb, 0xff]],
  ['base64url', 'TWFu', [77, 97, 110]],
]

const refused: readonly [Encoding, string, string][] = [
  ['hex', '', 'empty text'],
  ['hex', 'abc', 'an odd number of digits'],
  ['hex', 'abxx', 'a letter past f'],
  ['hex', 'xxab', 'a wrong letter at the start'],
  ['hex', '0xab', 'a 0x'],
  ['hex', ' ab ', 'spaces around'],
  ['hex', 'ab cd', 'a space inside'],
  ['hex', 'abc\n', 'a line break at the end'],
  ['hex', 'ab\0\0', 'NULs at the end'],
  ['hex', 'ａｂ', 'full-width letters'],
  ['hex', '١٢', 'digits of another script'],
  ['hex', 'ab,ab', 'two values joined'],
  ['base64', '', 'empty text'],
  ['base64', '=', 'padding alone'],
  ['base64', 'AA', 'no padding'],
  ['base64', 'AA=', 'too little padding'],
  ['base64', 'AA===', 'too much padding'],
  ['base64', 'TWFu====', 'padding that is not needed'],
  ['base64', 'AB==', 'bits beyond the last byte'],
  ['base64', '-_8=', 'the other alphabet'],
  ['base64', '+/8', 'the other padding'],
  ['base64', ' TWFu', 'a space at the start'],
  ['base64', 'TW Fu', 'a space inside'],
  ['base64', 'TWFu\n', 'a line break at the end'],
  ['base64', 'TW*Fu', 'a letter outside of the alphabet'],
  ['base64', 'TWFu, TWFu', 'two values joined'],
  ['base64', 'TWFuTQ==TWFu', 'padding inside'],
  ['base64url', '', 'empty text'],
  ['base64url', '-_8=', 'padding'],
  ['base64url', '+/8', 'the other alphabet'],
  ['base64url', 'AB', 'bits beyond the last byte'],
  ['base64url', 'A', 'a single letter'],
  ['base64url', 'TWFu\n', 'a line break at the end'],
]

describe('decodeStrictly', () => {
  it.each(accepted)('reads %s %j', (encoding, text, bytes) => {
    expect([...decodeStrictly(text, encoding)!]).toEqual(bytes)
  })

  it.each(refused)('refuses %s %j: %s', (encoding, text) => {
    expect(decodeStrictly(text, encoding)).toBeUndefined()
  })
})

describe('encode', () => {
  it.each(['hex', 'base64', 'base64url'] as const)('writes %s that decodeStrictly reads', (encoding) => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    expect(Uint8Array.from(decodeStrictly(encode(every, encoding), encoding)!)).toEqual(every)
  })

  it('encodes a view only, not the memory around it', () => {
    expect(encode(Uint8Array.of(1, 2, 3, 4).subarray(1, 3), 'hex')).toBe('0203')
  })

  it('writes hex in lower case', () => {
    expect(encode(Uint8Array.of(0xab), 'hex')).toBe('ab')
  })
})
