import { unmetCondition, type CheckResult } from './check.ts'
import type { Keyring } from './keyring.ts'
import type { Method } from './method.ts'
import type { WebhookRequest } from './request.ts'
import type { Scheme, SecretInBody, SecretInHeader, StaticSecretScheme } from './scheme.ts'
import { secretNameOf } from './sound-scheme.ts'
import { matchSecret, readHeader, readMember, staticKeyring, type ReadSecret } from './static-secret.ts'
import { withoutHeader, withoutMember } from './without-secrets.ts'

/** Secrets in a header. Apart from those in the body, which need a reader of bodies. */
export const headerSecrets: Method<InHeader> = {
  algorithms: ['static-secret'],
  takes: ({ secret }) => 'header' in secret,
  complaint: (scheme, schemes) => unsoundSecret(scheme) ?? mixedSecret(scheme, schemes),
  keyring: staticKeyring,
  check: (scheme, keys, request) =>
    checked(scheme, keys, request, () => readHeader(scheme.secret, request.headers)),
  without: ({ secret }, request) => ({ ...request, headers: withoutHeader(request.headers, secret.header) }),
}

/** Secrets in the JSON body. */
export const bodySecrets: Method<InBody> = {
  algorithms: ['static-secret'],
  takes: ({ secret }) => 'json' in secret,
  complaint: (scheme, schemes) =>
    scheme.secret.json.length === 0 ? 'has no place for a secret' : mixedSecret(scheme, schemes),
  keyring: staticKeyring,
  check: (scheme, keys, request) =>
    checked(scheme, keys, request, () => readMember(scheme.secret, request.body)),
  without: ({ secret }, request) => ({ ...request, body: withoutMember(request.body, secret) }),
}

type InHeader = StaticSecretScheme & { readonly secret: SecretInHeader }
type InBody = StaticSecretScheme & { readonly secret: SecretInBody }

function checked(
  scheme: Scheme,
  keys: Keyring,
  request: WebhookRequest,
  read: () => ReadSecret,
): CheckResult {
  const unmet = unmetCondition(scheme, keys, request.headers)
  return unmet === undefined ? matchSecret(keys, read()) : { ok: false, reason: unmet }
}

/** Every request shows a static secret to whatever it passes through; whoever saw one could then sign as well. */
function mixedSecret(scheme: StaticSecretScheme, schemes: readonly Scheme[]): string | undefined {
  const name = secretNameOf(scheme)
  const signing = schemes.find((other) => other.algorithm !== 'static-secret' && secretNameOf(other) === name)
  return (
    signing &&
    `sends the secret itself, and must have another than '${signing.name}' signs with: set its verifiedBy`
  )
}

function unsoundSecret({ secret }: InHeader): string | undefined {
  if (!TOKEN.test(secret.header)) return `has a secret in '${secret.header}', which no header is called`
  const word = secret.authScheme
  return word === undefined || TOKEN.test(word) ? undefined : `has an authScheme that is no word, '${word}'`
}

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
