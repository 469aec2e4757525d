import { expect, test } from 'vitest'
import { parseDuration } from './duration.ts'

test.each([
  ['30d', 2_592_000_000],
  ['12h', 43_200_000],
  ['90m', 5_400_000],
  ['45s', 45_000],
  ['0s', 0],
  [' 7d ', 604_800_000],
])('%s', (text, value) => {
  expect(parseDuration(text, 'POSTERN_RETENTION')).toEqual({ ok: true, value })
})

test.each(['', '30', '30 days', '1.5h', '-1d', '1e3s', '30D', '9999999d', '1w'])('not %s', (text) => {
  expect(parseDuration(text, 'POSTERN_RETENTION')).toMatchObject({
    ok: false,
    problems: [{ path: 'POSTERN_RETENTION' }],
  })
})
