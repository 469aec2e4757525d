import { expect, test } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 12, 0, 0)

test.each<[string | undefined, number | undefined]>([
  [undefined, undefined],
  ['', undefined],
  ['soon', undefined],
  ['-5', undefined],
  ['1e9', undefined],
  ['0x10', undefined],
  ['NaN', undefined],
  ['Infinity', undefined],
  ['2026', 2_026_000],
  ['2026-11-21', undefined],
  ['0', 1000],
  ['0.2', 1000],
  ['1', 1000],
  ['1.5', 1500],
  [' 30 ', 30_000],
  ['3600', 3_600_000],
  ['3601', 3_600_000],
  ['99999999', 3_600_000],
  ['9'.repeat(400), 3_600_000],
  ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
  ['Saturday, 21-Nov-26 12:00:30 GMT', 30_000],
  ['Sat Nov 21 12:00:30 2026 GMT', 30_000],
  ['Sat, 21 Nov 2026 11:59:00 GMT', 1000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 1000],
  ['Fri, 31 Dec 9999 23:59:59 GMT', 3_600_000],
  ['Sat, 99 Nov 2026 12:00:30 GMT', undefined],
])('%j asks for %j ms', (value, expected) => {
  expect(retryAfterMs(value, NOW_MS, () => 0)).toBe(expected)
})

test('up to a tenth more is drawn, never less', () => {
  const draws = [0, 0.5, 0.999].map((draw) => retryAfterMs('100', NOW_MS, () => draw))
  expect(draws).toEqual([100_000, 105_000, 109_990])
})
