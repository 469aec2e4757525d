import { afterEach, describe, expect, it, vi } from 'vitest'
import { formatTimestamp, freshness, parseTimestamp } from './timestamp.ts'

const oddNumbers = [
  '',
  ' ',
  '-1',
  '+1',
  '-0',
  '+1700000000',
  ' 1700000000',
  '1700000000 ',
  '\t1700000000',
  '1700000000\n',
  '1700000000\r\n',
  '1700000000\0',
  '1700000000junk',
  'junk1700000000',
  '1700000000.0',
  '1700000000.5',
  '1700000000,5',
  '.5',
  '1.7e9',
  '1e9',
  '1e400',
  '0x6553f100',
  '0b1',
  '0o17',
  '1_700_000_000',
  '1,700,000,000',
  '1700000000n',
  '1700000000L',
  'NaN',
  'Infinity',
  '-Infinity',
  'null',
  'undefined',
  'true',
  'now',
  '[1700000000]',
  '"1700000000"',
  '1700000000, 1700000000',
  '1700000000;1700000000',
  '１７００００００００',
  '١٧٠٠٠٠٠٠٠٠',
  '१७',
  '²',
  '1700000000\u200b',
  '\uFEFF1700000000',
  '9999999999999999',
  '1'.repeat(400),
  '2026-01-01T00:00:00Z',
]

describe('parseTimestamp of seconds and milliseconds', () => {
  it.each(oddNumbers)('refuses %j', (text) => {
    expect(parseTimestamp(text, 'seconds')).toBeUndefined()
    expect(parseTimestamp(text, 'milliseconds')).toBeUndefined()
  })

  it.each([
    ['0', 0],
    ['1', 1000],
    ['1700000000', 1_700_000_000_000],
    ['0001700000000', 1_700_000_000_000],
    ['999999999999999', 999_999_999_999_999_000],
  ])('reads %j as seconds', (text, ms) => {
    expect(parseTimestamp(text, 'seconds')).toBe(ms)
  })

  it('reads milliseconds as they are', () => {
    expect(parseTimestamp('1700000000123', 'milliseconds')).toBe(1_700_000_000_123)
  })

  it('never guesses the unit by the size of the number', () => {
    expect(freshness(parseTimestamp('1700000000123', 'seconds')!, 1_700_000_000_123, 300)).toBe('future')
    expect(freshness(parseTimestamp('1700000000', 'milliseconds')!, 1_700_000_000_123, 300)).toBe('stale')
  })
})

describe('parseTimestamp of RFC 3339', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  const readings: readonly (readonly [string, string])[] = [
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01t00:00:00z', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T00:00:00.5Z', '2026-01-01T00:00:00.500Z'],
    ['2026-01-01T00:00:00.12Z', '2026-01-01T00:00:00.120Z'],
    ['2026-01-01T00:00:00.123Z', '2026-01-01T00:00:00.123Z'],
    ['2026-01-01T00:00:00.1239Z', '2026-01-01T00:00:00.123Z'],
    ['2026-01-01T00:00:00.123456Z', '2026-01-01T00:00:00.123Z'],
    ['2026-01-01T00:00:00.999999999Z', '2026-01-01T00:00:00.999Z'],
    ['2026-01-01T00:00:00.000000001+02:00', '2025-12-31T22:00:00.000Z'],
    ['2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T00:00:00-00:00', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T00:00:00-07:00', '2026-01-01T07:00:00.000Z'],
    ['2026-01-01T05:30:00+05:30', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T00:00:00+23:59', '2025-12-31T00:01:00.000Z'],
    ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00.000Z'],
    ['2000-02-29T12:00:00Z', '2000-02-29T12:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
    // The day is the sender's, whichever it is elsewhere.
    ['2026-01-31T23:30:00-05:00', '2026-02-01T04:30:00.000Z'],
    ['2026-01-30T00:30:00+05:00', '2026-01-29T19:30:00.000Z'],
    ['2026-01-28T00:00:00Z', '2026-01-28T00:00:00.000Z'],
    ['2026-02-28T23:59:59Z', '2026-02-28T23:59:59.000Z'],
    ...[1, 3, 5, 7, 8, 10, 12].map((month) => lastDay(month, 31)),
    ...[4, 6, 9, 11].map((month) => lastDay(month, 30)),
  ]

  it.each(readings)('reads %s', (text, iso) => {
    expect(new Date(parseTimestamp(text, 'rfc3339')!).toISOString()).toBe(iso)
  })

  // ECMA-262 §21.4.1.32: capitals, and milliseconds. What else Date.parse reads is the engine's own.
  it.each(readings)('reads %s in an engine that reads no more than it has to', (text, iso) => {
    const parse = Date.parse
    vi.spyOn(Date, 'parse').mockImplementation((asked) =>
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/.test(asked)
        ? parse(asked)
        : Number.NaN,
    )
    expect(parseTimestamp(text, 'rfc3339')).toBe(parse(iso))
  })

  it.each([
    ['', 'nothing'],
    ['1700000000', 'a Unix time'],
    ['2026', 'a year'],
    ['2026-01-01', 'a day'],
    ['2026-01-01T00:00Z', 'no seconds'],
    ['2026-01-01T00:00:00', 'no offset'],
    ['2026-01-01 00:00:00Z', 'a space for the T'],
    ['2026-01-01T00:00:00 Z', 'a space before the offset'],
    [' 2026-01-01T00:00:00Z', 'a space at the start'],
    ['2026-01-01T00:00:00Z ', 'a space at the end'],
    ['2026-01-01T00:00:00Z\n', 'a line break at the end'],
    ['2026-01-01T00:00:00Zjunk', 'something after it'],
    // V8 takes it for the end of the text.
    ['2026-01-01T00:00:00Z\0', 'a NUL after it'],
    ['2026-01-01T00:00:00.5+01:00\0', 'a NUL after its offset'],
    ['2026-02-30T00:00:00Z', 'February 30'],
    ['2026-02-29T00:00:00Z', 'February 29 of a common year'],
    ['1900-02-29T00:00:00Z', 'February 29 of a common century'],
    ['2026-04-31T00:00:00Z', 'April 31'],
    ['2026-00-01T00:00:00Z', 'month 0'],
    ['2026-13-01T00:00:00Z', 'month 13'],
    ['2026-01-00T00:00:00Z', 'day 0'],
    ['2026-01-32T00:00:00Z', 'day 32'],
    ['2026-01-01T25:00:00Z', 'hour 25'],
    ['2026-01-01T24:00:01Z', 'a second past hour 24'],
    ['2026-01-01T00:60:00Z', 'minute 60'],
    ['2026-01-01T00:00:61Z', 'second 61'],
    ['2026-01-01T00:00:00+24:00', 'an offset of a day'],
    ['2026-01-01T00:00:00+00:60', 'an offset of 60 minutes'],
    ['2026-01-01T00:00:00+0000', 'an offset without its colon'],
    ['2026-01-01T00:00:00+00', 'an offset of hours'],
    ['2026-01-01T00:00:00UTC', 'a zone by name'],
    ['2026-01-01T00:00:00.Z', 'a point without a fraction'],
    ['2026-01-01T00:00:00,5Z', 'a comma for the point'],
    ['2026-01-01T00:00:00.1234567890Z', 'ten digits of fraction'],
    ['2026-04-31T00:00:00Z', 'April 31'],
    ['2026-06-31T00:00:00Z', 'June 31'],
    ['2026-09-31T00:00:00Z', 'September 31'],
    ['2026-11-31T00:00:00Z', 'November 31'],
    // V8 passes over what stands in brackets.
    ['2026-01-01T00:00:00Z (comment)', 'a comment'],
    ['(comment) 2026-01-01T00:00:00Z', 'a comment before it'],
    ['26-01-01T00:00:00Z', 'a year of two digits'],
    ['+002026-01-01T00:00:00Z', 'an extended year'],
    ['-2026-01-01T00:00:00Z', 'a year before Christ'],
    ['20260101T000000Z', 'the basic format'],
    ['2026-W01-1T00:00:00Z', 'a week'],
    ['Thu, 01 Jan 2026 00:00:00 GMT', 'an HTTP date'],
    ['２０２６-01-01T00:00:00Z', 'full-width digits'],
  ])('refuses %j: %s', (text) => {
    expect(parseTimestamp(text, 'rfc3339')).toBeUndefined()
  })

  // The fraction is shortened by text.replace(fraction, …), which meets the year first where both have the same digits.
  it('reads a fraction of four digits that are those of the year', () => {
    expect(parseTimestamp('2026-01-01T00:00:00.2026Z', 'rfc3339')).toBe(
      Date.parse('2026-01-01T00:00:00.202Z'),
    )
  })

  // RFC 3339 §5.6 has hours from 00 to 23; ECMAScript takes 24:00:00 as the next midnight.
  it('refuses hour 24', () => {
    expect(parseTimestamp('2026-01-01T24:00:00Z', 'rfc3339')).toBeUndefined()
  })
})

function lastDay(month: number, day: number): readonly [string, string] {
  const date = `2026-${String(month).padStart(2, '0')}-${day}`
  return [`${date}T12:00:00Z`, `${date}T12:00:00.000Z`]
}

describe('freshness', () => {
  const signedMs = 1_700_000_000_000

  it.each([
    ['now', 0, 'fresh'],
    ['300 s old', 300_000, 'fresh'],
    ['300 s old, at the end of that second', 300_999, 'fresh'],
    ['301 s old', 301_000, 'stale'],
    ['a day old', 86_400_000, 'stale'],
    ['300 s in the future', -300_000, 'fresh'],
    ['301 s in the future', -301_000, 'future'],
    ['a little over 300 s in the future', -300_001, 'future'],
    ['ten years in the future', -315_360_000_000, 'future'],
  ] as const)('of a request signed in whole seconds, %s', (_, ageMs, expected) => {
    expect(freshness(signedMs, signedMs + ageMs, 300)).toBe(expected)
  })

  it('compares whole seconds of a time in milliseconds too', () => {
    expect(freshness(signedMs + 999, signedMs + 300_000, 300)).toBe('fresh')
    expect(freshness(signedMs + 999, signedMs + 301_000, 300)).toBe('stale')
    expect(freshness(signedMs + 300_999, signedMs, 300)).toBe('fresh')
    expect(freshness(signedMs + 301_000, signedMs + 999, 300)).toBe('future')
  })

  it('takes a tolerance of 0 as 0', () => {
    expect(freshness(signedMs, signedMs + 999, 0)).toBe('fresh')
    expect(freshness(signedMs, signedMs + 1000, 0)).toBe('stale')
    expect(freshness(signedMs, signedMs - 1, 0)).toBe('future')
  })

  it('is neither thrown off nor passed by a time beyond every calendar', () => {
    expect(freshness(parseTimestamp('999999999999999', 'seconds')!, signedMs, 300)).toBe('future')
    expect(freshness(0, signedMs, 300)).toBe('stale')
  })
})

describe('formatTimestamp', () => {
  it.each(['seconds', 'milliseconds', 'rfc3339'] as const)('writes %s that parseTimestamp reads', (unit) => {
    expect(parseTimestamp(formatTimestamp(1_700_000_000_000, unit), unit)).toBe(1_700_000_000_000)
  })

  it('cuts seconds off and never rounds them up', () => {
    expect(formatTimestamp(1_700_000_000_999, 'seconds')).toBe('1700000000')
  })
})
