/** The one text of each value (RFC 9651 §4.1), written out by hand. */
import { describe, expect, it } from 'vitest'
import { writeDictionary, writeInnerList, writeItem, writeList, writeMember } from './made-up-field-text.ts'
import type { BareItem, InnerList, Item, Member } from './structured-field.ts'

type Pairs = readonly (readonly [string, BareItem])[]

const integer = (value: number): BareItem => ({ kind: 'integer', value })
const decimal = (value: number): BareItem => ({ kind: 'decimal', value })
const string = (value: string): BareItem => ({ kind: 'string', value })
const token = (value: string): BareItem => ({ kind: 'token', value })
const display = (value: string): BareItem => ({ kind: 'display', value })
const YES: BareItem = { kind: 'boolean', value: true }
const NO: BareItem = { kind: 'boolean', value: false }

const itemOf = (item: BareItem, parameters: Pairs = []): Item => ({
  kind: 'item',
  item,
  parameters: new Map(parameters),
})
const innerOf = (items: readonly Item[], parameters: Pairs = []): InnerList => ({
  kind: 'inner-list',
  items,
  parameters: new Map(parameters),
})

describe('a value is written as', () => {
  it.each<readonly [string, BareItem]>([
    ['0', integer(0)],
    ['0', integer(-0)],
    ['-1', integer(-1)],
    ['999999999999999', integer(999_999_999_999_999)],
    ['-999999999999999', integer(-999_999_999_999_999)],
    ['@1659578233', { kind: 'date', value: 1_659_578_233 }],
    ['@-1', { kind: 'date', value: -1 }],
    ['1.0', decimal(1)],
    ['10.0', decimal(10)],
    ['0.5', decimal(0.5)],
    ['-1.25', decimal(-1.25)],
    ['1.005', decimal(1.005)],
    ['0.1', decimal(0.1)],
    ['100.1', decimal(100.1)],
    ['0.0', decimal(0)],
    ['0.0', decimal(-0)],
    ['0.0', decimal(-0.0001)],
    // Of two values equally near the even one.
    ['0.0', decimal(0.0005)],
    ['0.002', decimal(0.0015)],
    ['0.002', decimal(0.0025)],
    ['0.0', decimal(-0.0005)],
    ['-0.002', decimal(-0.0015)],
    ['-0.002', decimal(-0.0025)],
    ['0.001', decimal(0.0006)],
    ['0.001', decimal(0.0014)],
    ['999999999999.999', decimal(999_999_999_999.999)],
    ['-999999999999.999', decimal(-999_999_999_999.999)],
    ['""', string('')],
    ['" ~"', string(' ~')],
    [String.raw`"a\"b\\c\"\\"`, string(String.raw`a"b\c"\ `.trim())],
    ['*', token('*')],
    ["A!#$%&'*+-.^_`|~:/09AZaz", token("A!#$%&'*+-.^_`|~:/09AZaz")],
    ['::', { kind: 'bytes', value: new Uint8Array() }],
    [':AP+/:', { kind: 'bytes', value: Uint8Array.of(0, 0xff, 0xbf) }],
    ['?1', YES],
    ['?0', NO],
    ['%""', display('')],
    ['%" ~"', display(' ~')],
    ['%"a%22%25%1f%7f%0a%00"', display('a"%\u001f\u007f\n\u0000')],
    ['%"%c3%bc%f0%9f%8e%89"', display('ü🎉')],
  ])('%s', (text, item) => {
    expect(writeItem(itemOf(item))).toBe(text)
  })

  it.each<readonly [string, BareItem]>([
    ['an integer of 16 digits', integer(1_000_000_000_000_000)],
    ['a negative one', integer(-1_000_000_000_000_000)],
    ['an integer with a fraction', integer(1.5)],
    ['an integer that is no number', integer(Number.NaN)],
    ['a date without an end', { kind: 'date', value: Number.POSITIVE_INFINITY }],
    ['a date with a fraction', { kind: 'date', value: 0.5 }],
    ['a decimal of 13 digits', decimal(1_000_000_000_000)],
    ['a negative decimal of them', decimal(-1_000_000_000_000)],
    ['a decimal that has 13 once it is rounded', decimal(999_999_999_999.9995)],
    ['a decimal that is no number', decimal(Number.NaN)],
    ['a decimal without an end', decimal(Number.NEGATIVE_INFINITY)],
    ['a string with a line break', string('a\nb')],
    ['a string beyond what is printable', string('\u007f')],
    ['a string that starts below it', string('\u001fa')],
    ['a string that ends beyond it', string('aé')],
    ['a token without a letter', token('')],
    ['a token that starts with a digit', token('1a')],
    ['a token with a space', token('a b')],
    ['a token after another character', token(' a')],
    ['half of a character', display('\ud83c')],
    ['the other half of it', display('a\udf89')],
  ])('nothing: %s', (_, item) => {
    expect(writeItem(itemOf(item))).toBeUndefined()
  })
})

const BAD = integer(0.5)

describe('parameters', () => {
  it('follow in their order, and have no value where that is true', () => {
    expect(
      writeItem(
        itemOf(token('a'), [
          ['b', YES],
          ['*c', NO],
          ['d_.*-9', integer(1)],
          ['e', string('')],
        ]),
      ),
    ).toBe('a;b;*c=?0;d_.*-9=1;e=""')
    expect(
      writeInnerList(
        innerOf(
          [],
          [
            ['b', YES],
            ['a', token('x')],
          ],
        ),
      ),
    ).toBe('();b;a=x')
  })

  it.each<readonly [string, BareItem]>([
    ['B', YES],
    ['', YES],
    ['1', integer(1)],
    ['aB', integer(1)],
    [' a', integer(1)],
    ['a', BAD],
  ])('are not written with the name %j and a value of %j', (name, value) => {
    const parameters: Pairs = [
      ['good', YES],
      [name, value],
    ]
    expect(writeItem(itemOf(token('a'), parameters))).toBeUndefined()
    expect(writeInnerList(innerOf([], parameters))).toBeUndefined()
    expect(writeDictionary(new Map([['key', itemOf(YES, parameters)]]))).toBeUndefined()
  })
})

describe('several values', () => {
  const inner = innerOf([itemOf(integer(1), [['x', YES]]), itemOf(token('b'))], [['y', integer(2)]])

  it('stand in a list with commas, and in an inner list with spaces', () => {
    expect(writeList([])).toBe('')
    expect(writeList([itemOf(token('a')), inner, itemOf(YES)])).toBe('a, (1;x b);y=2, ?1')
    expect(writeMember(inner)).toBe('(1;x b);y=2')
    expect(writeMember(itemOf(token('a'), [['b', YES]]))).toBe('a;b')
    expect(writeInnerList(innerOf([]))).toBe('()')
  })

  it('stand in a dictionary after their names; what is true has its name only', () => {
    expect(writeDictionary(new Map())).toBe('')
    expect(
      writeDictionary(
        new Map<string, Member>([
          ['a', itemOf(integer(1), [['x', YES]])],
          ['b', itemOf(YES, [['x', integer(1)]])],
          ['*c', itemOf(NO)],
          ['d', inner],
          ['e', itemOf(YES)],
        ]),
      ),
    ).toBe('a=1;x, b;x=1, *c=?0, d=(1;x b);y=2, e')
  })

  it('are not written where one of them has no text, or no name', () => {
    expect(writeList([itemOf(YES), itemOf(BAD)])).toBeUndefined()
    expect(writeInnerList(innerOf([itemOf(YES), itemOf(BAD)]))).toBeUndefined()
    expect(writeMember(innerOf([itemOf(BAD)]))).toBeUndefined()
    for (const [name, member] of [
      ['a', itemOf(BAD)],
      ['a', innerOf([itemOf(BAD)])],
      ['A', itemOf(YES)],
      ['', itemOf(integer(1))],
      ['a b', itemOf(integer(1))],
    ] as const) {
      expect(
        writeDictionary(
          new Map([
            ['good', itemOf(YES)],
            [name, member],
          ]),
        ),
      ).toBeUndefined()
    }
  })
})
