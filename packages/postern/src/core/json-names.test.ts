/** Names as they stand in a JSON text: written out by hand. */
import { describe, expect, it } from 'vitest'
import { memberNames } from './json-names.ts'

describe('the names of a JSON text', () => {
  it.each<readonly [string, readonly string[]]>([
    ['{}', []],
    ['{"a":1}', ['a']],
    ['{"a":1,"b":2,"a":3}', ['a', 'b', 'a']],
    [' { "a" : 1 ,\n\t"b"\r\n:\n2 } ', ['a', 'b']],
    ['\ufeff{"a":1}', ['a']],
    [String.raw`{"\u0061":1,"a\"b":2,"a\\":3,"é":4,"":5}`, ['a', 'a"b', 'a\\', 'é', '']],
    // What is inside values are no names of it.
    ['{"a":{"b":1,"c":2},"d":{},"e":[],"f":1}', ['a', 'd', 'e', 'f']],
    ['{"a":{"b":1},"c":[{"d":1}],"e":{"f":{"g":1}},"h":1}', ['a', 'c', 'e', 'h']],
    [String.raw`{"a":"\"b\":1,","c":"{","d":"]}","e":":","f":"\\"}`, ['a', 'c', 'd', 'e', 'f']],
    ['{"{":1,"]":2,":":3,",":4}', ['{', ']', ':', ',']],
    // What is no object has none.
    ['[{"a":1}]', []],
    ['[]', []],
    ['"a"', []],
    ['1', []],
    ['null', []],
  ])('%j are %j', (json, names) => {
    expect(memberNames(json)).toEqual(names)
  })

  // An expression that takes a whole text at once runs out of memory for its way back.
  it('are found behind a text of escapes, however long it is', () => {
    const escapes = String.raw`\n\"\\`.repeat(500_000)
    expect(memberNames(`{"a":"${escapes}","b":1}`)).toEqual(['a', 'b'])
  })
})
