import { fail, ok, type Finding } from './finding.ts'

/** As `engines` in package.json says. */
const OLDEST = [20, 19, 0] as const

/** Whether this Node is new enough. @param version Such as `20.19.0`. */
export function checkNode(version: string): Finding {
  const parts = version.split('.').map(Number)
  const difference = OLDEST.map((oldest, index) => (parts[index] ?? 0) - oldest).find((each) => each !== 0)
  if (difference === undefined || difference > 0) return ok('node', version)
  return fail('node', `${version} is too old: Postern needs ${OLDEST.join('.')} or newer`)
}
