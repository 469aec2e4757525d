import { unmetCondition, type CheckResult } from './check.ts'
import type { Keyring } from './keyring.ts'
import type { Method } from './method.ts'
import type { WebhookRequest } from './request.ts'
import { nearer } from './reason.ts'
import type {
  Place,
  Scheme,
  SecretInBody,
  SecretInEach,
  SecretInHeader,
  SecretInQuery,
  StaticSecretScheme,
} from './scheme.ts'
import { secretNameOf } from './sound-scheme.ts'
import {
  matchSecret,
  readEachMember,
  readHeader,
  readMember,
  readParameter,
  staticKeyring,
  type ReadSecret,
} from './static-secret.ts'
import { withoutHeader, withoutMember, withoutMembers, withoutParameter } from './without-secrets.ts'

const STATIC_WARNING =
  'every request carries the secret itself and none is signed: whoever sees one can send others; use TLS all the way, and this secret for nothing else'

/** Nothing is signed: whoever has the secret writes all of the body. */
const writesBody = (place: Place): boolean => 'json' in place

/** Secrets in a header. Apart from those in the body, which need a reader of bodies. */
export const headerSecrets: Method<InHeader> = {
  algorithms: ['static-secret'],
  warning: STATIC_WARNING,
  takes: ({ secret }) => 'header' in secret,
  complaint: (scheme, schemes) => unsoundSecret(scheme) ?? mixedSecret(scheme, schemes),
  signs: writesBody,
  keyring: staticKeyring,
  check: (scheme, keys, request) =>
    checked(scheme, keys, request, () => readHeader(scheme.secret, request.headers)),
  without: ({ secret }, request) => ({ ...request, headers: withoutHeader(request.headers, secret.header) }),
}

/** Secrets in the JSON body. */
export const bodySecrets: Method<InBody> = {
  algorithms: ['static-secret'],
  warning: STATIC_WARNING,
  takes: ({ secret }) => 'json' in secret,
  complaint: (scheme, schemes) =>
    scheme.secret.json.length === 0 ? 'has no place for a secret' : mixedSecret(scheme, schemes),
  signs: writesBody,
  keyring: staticKeyring,
  check: (scheme, keys, request) =>
    checked(scheme, keys, request, () => readMember(scheme.secret, request.body)),
  without: ({ secret }, request) => ({ ...request, body: withoutMember(request.body, secret) }),
}

/** Secrets in the URL's query. */
export const querySecrets: Method<InQuery> = {
  algorithms: ['static-secret'],
  warning: STATIC_WARNING,
  takes: ({ secret }) => 'query' in secret,
  complaint: mixedSecret,
  signs: writesBody,
  keyring: staticKeyring,
  check: (scheme, keys, request) =>
    checked(scheme, keys, request, () => readParameter(scheme.secret, request)),
  without: ({ secret }, request) => ({ ...request, url: withoutParameter(request.url, secret) }),
}

/** Secrets in every element of an array in the JSON body; each has to be one of those configured. */
export const eachSecrets: Method<InEach> = {
  algorithms: ['static-secret'],
  warning: STATIC_WARNING,
  takes: ({ secret }) => 'each' in secret,
  complaint: mixedSecret,
  signs: writesBody,
  keyring: staticKeyring,
  check: (scheme, keys, request) => {
    const unmet = unmetCondition(scheme, keys, request.headers)
    if (unmet !== undefined) return { ok: false, reason: unmet }
    return everyOne(readEachMember(scheme.secret, request.body).map((read) => matchSecret(keys, read)))
  },
  without: ({ secret }, request) => ({ ...request, body: withoutMembers(request.body, secret) }),
}

/** The first one's result where all are good; else that of the one that got least far. */
function everyOne(results: readonly CheckResult[]): CheckResult {
  return results.length === 0 ? { ok: false, reason: 'missing_secret' } : results.reduce(nearer)
}

type InQuery = StaticSecretScheme & { readonly secret: SecretInQuery }
type InEach = StaticSecretScheme & { readonly secret: SecretInEach }
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
