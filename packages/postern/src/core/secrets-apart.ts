import { PosternError } from './errors.ts'
import type { Keyring } from './keyring.ts'
import type { Scheme } from './scheme.ts'
import { secretNameOf } from './sound-scheme.ts'

/** A scheme with its keys. */
interface WithKeys {
  readonly scheme: Scheme
  readonly keys: Keyring
}

/** Refuses two secrets of one source that are the same text: they would be one, whatever they are called. */
export function assertApart(provider: string, schemes: readonly WithKeys[]): void {
  const names = new Map<string, string>()
  for (const { scheme, keys } of schemes) {
    const name = secretNameOf(scheme)
    for (const digest of keys.digests()) {
      const other = names.get(digest) ?? name
      if (other !== name) {
        throw new PosternError(
          'bad_secret',
          `${provider}: '${other}' and '${name}' are the same secret; one that is sent as it is must not be one that signs`,
        )
      }
      names.set(digest, name)
    }
  }
}

/**
 * The first two sources of which one sends its secret itself, and both have the same. Whatever has seen one request of
 * the first could forge the other's.
 */
export function sharedStaticSecret(
  sources: Iterable<readonly [name: string, source: { readonly schemes: readonly WithKeys[] }]>,
): readonly [string, string] | undefined {
  const uses = [...sources].flatMap(([name, { schemes }]) => schemes.flatMap((keyed) => usesOf(name, keyed)))
  return firstShared(uses)
}

/** A secret, by its digest, and what it is used for. */
interface Use {
  readonly by: string
  readonly digest: string
  readonly isStatic: boolean
}

function usesOf(by: string, { scheme, keys }: WithKeys): readonly Use[] {
  const isStatic = scheme.algorithm === 'static-secret'
  return keys.digests().map((digest) => ({ by, digest, isStatic }))
}

function firstShared(uses: readonly Use[]): readonly [string, string] | undefined {
  for (const [index, right] of uses.entries()) {
    const left = uses
      .slice(0, index)
      .find((use) => use.digest === right.digest && use.by !== right.by && (use.isStatic || right.isStatic))
    if (left !== undefined) return [left.by, right.by]
  }
  return undefined
}
