import type { SignatureScheme } from '../../packages/postern/src/core/scheme.ts'

/** The plainest scheme that signs: an HMAC over the body, in one header. */
export const bodyScheme: SignatureScheme = {
  name: 'hmac',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
}
