import { JoinedKeyring } from './joined-keyring.ts'
import { isSignature } from './scheme.ts'
import { secretNameOf } from './sound-scheme.ts'
import type { EventMap, Source } from './source.ts'

/**
 * The same source, verifying by one more secret after those it has. Throws `PosternError` for one that can never work.
 *
 * Only signatures: a secret that every request carries is never brought by a handshake.
 */
export function withFurtherSecret<Events extends EventMap>(
  source: Source<Events>,
  secret: string,
): Source<Events> {
  const schemes = source.schemes.map((own) => {
    const { scheme, keys, method } = own
    if (!isSignature(scheme) || secretNameOf(scheme) !== 'secret') return own
    return { ...own, keys: new JoinedKeyring(keys, method.keyring([secret], scheme)) }
  })
  return { ...source, schemes }
}
