import { scryptSync } from 'node:crypto'

const LABEL_BYTES = 2
/** RFC 7914: 4 MiB and 10 ms for each guess. */
const COST = { N: 4096, r: 8, p: 1 }
/** As many as an app may have sources and secrets; beyond it labels are computed again. */
const MAX_KNOWN = 1000
const known = new Map<string, string>()

/**
 * A short name for a secret, four hexadecimal digits, by which its owner can tell it from the one before: the same on
 * every node and after every restart, another for the same secret of another source.
 *
 * 16 bits of a slow digest: that rules most wrong guesses out and confirms none, for of every 65,536 wrong ones one fits as
 * well, and each costs 10 ms. Longer, or of a fast digest, a label would let whoever reads it find a weak secret on a
 * machine of their own. Computed once for each secret and process.
 */
export function secretLabel(source: string, secretDigest: string): string {
  const key = `${source} ${secretDigest}`
  const before = known.get(key)
  if (before !== undefined) return before
  const label = scryptSync(secretDigest, `postern secret label ${source}`, LABEL_BYTES, COST).toString('hex')
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(key, label)
  return label
}
