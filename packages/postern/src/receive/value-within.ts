/** The value, or another where it is not there in time. */
export async function valueWithin<T, const Late>(
  value: Promise<T>,
  ms: number,
  late: Late,
): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<Late>((resolve) => (timer = setTimeout(resolve, ms, late)))
  return Promise.race([value, timeout]).finally(() => clearTimeout(timer))
}
