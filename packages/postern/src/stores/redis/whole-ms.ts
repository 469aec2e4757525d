/** Milliseconds as the scripts take them; upwards, so that nothing ends or comes due too early. */
export function wholeMs(ms: number): number {
  return Math.ceil(ms)
}
