/** What was parsed, written in the one form that it has (RFC 9651 §4.1): written out by hand. */
import { describe, expect, it } from 'vitest'
import { parseItem, parseList } from './structured-field.ts'
import { writeItem, writeMember } from './structured-field-text.ts'

describe('what was parsed is written as', () => {
  it.each([
    ['7', '007'],
    ['0', '-0'],
    ['-1', '-01'],
    ['999999999999999', '999999999999999'],
    ['1.0', '1.00'],
    ['0.0', '-0.0'],
    ['-1.25', '-001.250'],
    ['0.001', '0.001'],
    ['999999999999.999', '999999999999.999'],
    ['100.0', '100.0'],
    ['""', '""'],
    [String.raw`" a\"\\~"`, String.raw`" a\"\\~"`],
    ['a/B:c*', 'a/B:c*'],
    ['::', '::'],
    [':AP+/:', ':AP+/:'],
    ['?1', '?1'],
    ['?0', '?0'],
    ['@1659578233', '@1659578233'],
    ['@-7', '@-07'],
    ['%""', '%""'],
    ['%" !#$&~a%22%25%0a%7f%c3%bc%f0%9f%92%a9"', '%" !#$&~%61%22%25%0a%7f%c3%bc%f0%9f%92%a9"'],
    ['a;b;c=?0;d="x";e=1;f=:AA==:', 'a;  b=?1;c=?0;d="x"; e=01;f=:AA==:'],
  ])('%s, where it was %s', (written, text) => {
    expect(writeItem(parseItem(text)!)).toBe(written)
    expect(writeMember(parseList(`( ${text}   a  );q`)![0]!)).toBe(`(${written} a);q`)
  })

  it('a list inside without items, or a member that is none', () => {
    expect(parseList('(  ), b;c, ("x");d=1')!.map(writeMember)).toEqual(['()', 'b;c', '("x");d=1'])
  })
})
