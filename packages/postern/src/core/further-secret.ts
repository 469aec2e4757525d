import { constantTimeEqualText, sha256 } from './crypto.ts'
import { JoinedKeyring } from './joined-keyring.ts'
import type { Keyring } from './keyring.ts'
import { isSignature } from './scheme.ts'
import { secretNameOf } from './sound-scheme.ts'
import type { EventMap, Source } from './source.ts'

/**
 * The same source, verifying by one more secret after those it has; the very same where it has that one already. Throws
 * `PosternError` for one that can never work.
 *
 * Only signatures: a secret that every request carries is never brought by a handshake.
 */
export function withFurtherSecret<Events extends EventMap>(
  source: Source<Events>,
  secret: string,
): Source<Events> {
  const digest = sha256(secret).toString('hex')
  let isNew = false
  const schemes = source.schemes.map((own) => {
    const { scheme, keys, method } = own
    if (!isSignature(scheme) || secretNameOf(scheme) !== 'secret' || isHeld(keys, digest)) return own
    isNew = true
    return { ...own, keys: new JoinedKeyring(keys, method.keyring([secret], scheme)) }
  })
  return isNew ? { ...source, schemes } : source
}

function isHeld(keys: Keyring, digest: string): boolean {
  let isFound = false
  for (const known of keys.digests()) if (constantTimeEqualText(known, digest)) isFound = true
  return isFound
}
