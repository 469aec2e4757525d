import { problem, type Checked } from './problem.ts'

const SECOND_MS = 1000
const UNIT_MS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  m: 60 * SECOND_MS,
  h: 60 * 60 * SECOND_MS,
  d: 24 * 60 * 60 * SECOND_MS,
}

/** Reads a time such as `30d`, `12h`, `90m` or `45s`, in milliseconds. A bare number is refused: nobody knows its unit. */
export function parseDuration(text: string, name: string): Checked<number> {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text.trim()) ?? []
  const unitMs = UNIT_MS[unit]
  if (unitMs === undefined)
    return problem(name, 'is not a time such as 30d, 12h, 90m or 45s: a whole number and its unit')
  return { ok: true, value: Number(count) * unitMs }
}
