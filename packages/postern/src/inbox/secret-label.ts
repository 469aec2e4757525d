import { scrypt, scryptSync } from 'node:crypto'

const LABEL_BYTES = 2
/** RFC 7914: 4 MiB and 10 ms for each guess. */
const COST = { N: 4096, r: 8, p: 1 }
/** More than an app has sources and secrets; those that were known first are computed again. */
const MAX_KNOWN = 10_000
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
  const key = keyOf(source, secretDigest)
  const before = known.get(key)
  if (before !== undefined) return before
  return remembered(key, scryptSync(secretDigest, saltOf(source), LABEL_BYTES, COST))
}

/** The same, computed beside the event loop: of a hundred secrets together it would stand still for a second and more. */
export async function secretLabelAside(source: string, secretDigest: string): Promise<string> {
  const key = keyOf(source, secretDigest)
  const before = known.get(key)
  if (before !== undefined) return before
  const label = await new Promise<Buffer>((resolve, reject) => {
    scrypt(secretDigest, saltOf(source), LABEL_BYTES, COST, (error, derived) => {
      if (error === null) resolve(derived)
      else reject(error)
    })
  })
  return remembered(key, label)
}

function remembered(key: string, derived: Buffer): string {
  const label = derived.toString('hex')
  if (known.size >= MAX_KNOWN) {
    const [oldest = ''] = known.keys()
    known.delete(oldest)
  }
  known.set(key, label)
  return label
}

function keyOf(source: string, secretDigest: string): string {
  return `${source} ${secretDigest}`
}

function saltOf(source: string): string {
  return `postern secret label ${source}`
}
