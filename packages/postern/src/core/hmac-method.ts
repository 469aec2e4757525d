import { check } from './check.ts'
import { Keyring } from './keyring.ts'
import type { Method } from './method.ts'
import type { SignatureScheme } from './scheme.ts'
import { isSigned } from './sound-scheme.ts'
import { unsoundSignature } from './sound-signature.ts'

/** Signatures that whoever verifies them computes as well, with the same key. */
export const hmacs: Method<SignatureScheme> = {
  algorithms: ['hmac-sha1', 'hmac-sha256', 'hmac-sha512'],
  takes: ({ derives }) => derives === undefined,
  complaint: unsoundSignature,
  signs: isSigned,
  keyring: (secrets, { key }) => new Keyring(secrets, key),
  check: (scheme, keys, request, options) => check(scheme, keys, request, options),
}
