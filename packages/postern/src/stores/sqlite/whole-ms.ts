/** Milliseconds as a STRICT table takes them; upwards, so that nothing ends or comes due too early. */
export function wholeMs(ms: number): number {
  return Math.ceil(ms)
}
