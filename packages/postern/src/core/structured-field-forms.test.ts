/** What is a structured field and what is none (RFC 9651 §4.2), rule by rule; the working group's own tests are beside this. */
import { describe, expect, it } from 'vitest'
import { parseDictionary, parseItem, parseList, type BareItem, type Parameters } from './structured-field.ts'

const integer = (value: number): BareItem => ({ kind: 'integer', value })
const token = (value: string): BareItem => ({ kind: 'token', value })
const bytes = (hex: string): BareItem => ({ kind: 'bytes', value: Buffer.from(hex, 'hex') })
const YES: BareItem = { kind: 'boolean', value: true }
const NONE: Parameters = new Map()

const itemOf = (item: BareItem, parameters: Parameters = NONE): unknown => ({
  kind: 'item',
  item,
  parameters,
})
const innerOf = (items: readonly unknown[], parameters: Parameters = NONE): unknown => ({
  kind: 'inner-list',
  items,
  parameters,
})

const PRINTABLE = Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at)).join('')

describe('an item', () => {
  it.each<readonly [string, BareItem]>([
    ['0', integer(0)],
    ['-1', integer(-1)],
    ['007', integer(7)],
    ['999999999999999', integer(999_999_999_999_999)],
    ['-999999999999999', integer(-999_999_999_999_999)],
    ['1.0', { kind: 'decimal', value: 1 }],
    ['-1.25', { kind: 'decimal', value: -1.25 }],
    ['999999999999.999', { kind: 'decimal', value: 999_999_999_999.999 }],
    ['@0', { kind: 'date', value: 0 }],
    ['@-1659578233', { kind: 'date', value: -1_659_578_233 }],
    ['""', { kind: 'string', value: '' }],
    ['"a b"', { kind: 'string', value: 'a b' }],
    [String.raw`"\"\\\""`, { kind: 'string', value: String.raw`"\"` }],
    [`"${PRINTABLE.replaceAll(/["\\]/g, String.raw`\$&`)}"`, { kind: 'string', value: PRINTABLE }],
    ['a', token('a')],
    ['Z', token('Z')],
    ['*', token('*')],
    ["a!#$%&'*+-.^_`|~:/09AZaz", token("a!#$%&'*+-.^_`|~:/09AZaz")],
    ['::', { kind: 'bytes', value: new Uint8Array() }],
    [':AP+/:', bytes('00ffbf')],
    [':AA==:', bytes('00')],
    ['?1', YES],
    ['?0', { kind: 'boolean', value: false }],
    ['%""', { kind: 'display', value: '' }],
    ['%"f%c3%bc!"', { kind: 'display', value: 'fü!' }],
    [
      `%"${PRINTABLE.replaceAll(/["%]/g, '')}%22%25"`,
      { kind: 'display', value: `${PRINTABLE.replaceAll(/["%]/g, '')}"%` },
    ],
  ])('is %s', (text, item) => {
    expect(parseItem(text)).toEqual(itemOf(item))
    expect(parseItem(`  ${text}  `)).toEqual(itemOf(item))
  })

  it.each([
    '',
    ' ',
    '\t1',
    '1\t',
    '1,',
    '1 2',
    '()',
    '1000000000000000',
    '-1000000000000000',
    '1.',
    '.5',
    '1.2345',
    '1234567890123.1',
    '1.2.3',
    '-',
    '--1',
    '-a',
    '+1',
    '@',
    '@1.0',
    '@a',
    '@"1"',
    '@@1',
    '"',
    '"a',
    'a"',
    String.raw`"\a"`,
    String.raw`"\"`,
    '"\\',
    '"\u001f"',
    '"\u007f"',
    '"é"',
    '"a"b',
    "'a'",
    '!a',
    'a(',
    'é',
    ':',
    ':AA==',
    ':A:',
    ':AA:',
    ':AB==:',
    ':A-A=:',
    ':AAA_:',
    '?',
    '?2',
    '?10',
    '?-1',
    '1?1',
    '%',
    '%a',
    '%"',
    '%"a',
    '%a"',
    '%"%"',
    '%"%c"',
    '%"%C3%BC"',
    '%"%c3"',
    '%"%4A"',
    '%"%g0"',
    '%"\u001f"',
    '%"\u007f"',
    '%"ü"',
  ])('is not %j', (text) => {
    expect(parseItem(text)).toBeUndefined()
  })

  it('has parameters, each with a value or true; of two of one name the last counts, at the place of the first', () => {
    expect(parseItem('a;b;c=1; d="x";*e=?0;b=:AA==:')).toEqual(
      itemOf(
        token('a'),
        new Map<string, BareItem>([
          ['b', bytes('00')],
          ['c', integer(1)],
          ['d', { kind: 'string', value: 'x' }],
          ['*e', { kind: 'boolean', value: false }],
        ]),
      ),
    )
    expect([...parseItem('a;b;c;b=1')!.parameters.keys()]).toEqual(['b', 'c'])
    expect(parseItem('a;b')).toEqual(itemOf(token('a'), new Map([['b', YES]])))
    expect(parseItem('a;z_.*-9=1')).toEqual(itemOf(token('a'), new Map([['z_.*-9', integer(1)]])))
  })

  it.each([
    'a;',
    'a; ',
    'a;B',
    'a;1',
    'a;b=',
    'a;b= 1',
    'a;b =1',
    'a ;b',
    'a;b;',
    'a;\tb',
    'a;b=(1)',
    'a;-b',
    'a;bC',
  ])('has no parameters of another form: %j', (text) => {
    expect(parseItem(text)).toBeUndefined()
  })
})

describe('a list', () => {
  const [a, b] = [itemOf(token('a')), itemOf(token('b'))]

  it.each<readonly [string, readonly unknown[]]>([
    ['', []],
    ['  ', []],
    ['a', [a]],
    ['a,b', [a, b]],
    ['a , b', [a, b]],
    ['  a\t, \tb  ', [a, b]],
    ['a;x, b', [itemOf(token('a'), new Map([['x', YES]])), b]],
    ['()', [innerOf([])]],
    ['(  )', [innerOf([])]],
    ['(a)', [innerOf([a])]],
    ['( a   b ), a', [innerOf([a, b]), a]],
    ['(a;x b);y=1', [innerOf([itemOf(token('a'), new Map([['x', YES]])), b], new Map([['y', integer(1)]]))]],
  ])('is %j', (text, members) => {
    expect(parseList(text)).toEqual(members)
  })

  it.each([
    ',',
    ',a',
    'a,',
    'a, ',
    'a,\t',
    'a,,b',
    'a b',
    'a;b c',
    '\ta',
    'a=1',
    '(',
    ')',
    '(a',
    '(a ',
    'a)',
    '(a,b)',
    '(a\tb)',
    '("a""b")',
    '(a"b")',
    '((a))',
    '(a) b',
    '(a)b',
    '(A;)',
  ])('is not %j', (text) => {
    expect(parseList(text)).toBeUndefined()
  })
})

describe('a dictionary', () => {
  it.each<readonly [string, readonly (readonly [string, unknown])[]]>([
    ['', []],
    ['a', [['a', itemOf(YES)]]],
    ['a;x=1', [['a', itemOf(YES, new Map([['x', integer(1)]]))]]],
    ['a=1;x', [['a', itemOf(integer(1), new Map([['x', YES]]))]]],
    ['a=?0', [['a', itemOf({ kind: 'boolean', value: false })]]],
    ['a=(b)', [['a', innerOf([itemOf(token('b'))])]]],
    [
      '*a=1 \t,\t z9_-.*',
      [
        ['*a', itemOf(integer(1))],
        ['z9_-.*', itemOf(YES)],
      ],
    ],
    [
      'a=1, b=2, a=3',
      [
        ['a', itemOf(integer(3))],
        ['b', itemOf(integer(2))],
      ],
    ],
  ])('is %j', (text, members) => {
    expect([...(parseDictionary(text) ?? [['no dictionary']])]).toEqual(members)
  })

  it.each([
    'a=',
    'a =1',
    'a= 1',
    'a,',
    'a b',
    ',a',
    '=1',
    'A',
    'aB',
    '1a',
    '"a"',
    'a=1 b',
    'a==1',
    '_a',
    'a=1,,b',
  ])('is not %j', (text) => {
    expect(parseDictionary(text)).toBeUndefined()
  })
})

it('what is no text at all is a mistake in the code, and not a field of another form', () => {
  expect(() => parseItem(undefined as unknown as string)).toThrow(TypeError)
})
