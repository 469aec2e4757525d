import type { Scheme, SignatureScheme, WebhookRequest } from '../core/index.ts'
import { encode } from '../core/encoding.ts'
import type { Keyring } from '../core/keyring.ts'
import type { KeyedScheme, SoundMethod } from '../core/method.ts'
import { secretText } from '../core/static-secret.ts'
import type { Effort } from './effort.ts'
import type { Cause } from './finding.ts'

/** One scheme of a source that a request does not pass, with all that may be to blame. */
export interface Subject {
  readonly scheme: Scheme
  readonly method: SoundMethod
  readonly request: WebhookRequest
  /** The source's own keys, and those of the candidates that the scheme can be keyed with. */
  readonly rings: readonly Keyring[]
  /** The secrets as text: the source's, then the candidates. */
  readonly secrets: readonly GivenSecret[]
  readonly maxBodyBytes: number
  /** Shared by all that is tried of a request. */
  readonly effort: Effort
}

export interface GivenSecret {
  readonly text: string
  /** How a finding calls it, such as `the configured secret`. */
  readonly name: string
  readonly isConfigured: boolean
}

/** The subject with one thing undone: another request, scheme or keys. */
export interface Variant {
  readonly cause: Cause
  /** What was undone, to follow `it verifies`, as in `once the body’s last line break is cut off`. */
  readonly undoing: string
  readonly request?: WebhookRequest
  readonly scheme?: Scheme
  readonly keys?: Keyring
}

/** Proposes what may have happened to a request; made one after another, as far as trials go. */
export type Repair = (subject: Subject) => Iterable<Variant>

/** Whether a scheme signs in the way that most do; those of other methods are only checked as they are. */
export function isSigning(scheme: Scheme): scheme is SignatureScheme {
  return 'signature' in scheme && 'content' in scheme && 'key' in scheme
}

/** The secrets of a scheme as they were shown to their owner, but for a prefix that was cut off. */
export function secretTexts({ scheme, keys }: Pick<KeyedScheme, 'keys' | 'scheme'>): readonly string[] {
  const as = isSigning(scheme) ? scheme.key.as : 'utf8'
  const texts: string[] = []
  keys.forEach((key) => texts.push(as === 'utf8' ? secretText(key) : encode(key, as)))
  return texts
}

/** A keyring of what can be keyed at all; `undefined` where nothing can. */
export function keyringOf(
  method: SoundMethod,
  scheme: Scheme,
  secrets: readonly string[],
): Keyring | undefined {
  const fitting = secrets.filter((secret) => canKey(method, scheme, secret))
  return fitting.length === 0 ? undefined : method.keyring(fitting, scheme)
}

function canKey(method: SoundMethod, scheme: Scheme, secret: string): boolean {
  try {
    return method.keyring([secret], scheme).size === 1
  } catch {
    return false
  }
}

/** The request with one header in the place of all of that name. */
export function withHeader(request: WebhookRequest, name: string, value: string): WebhookRequest {
  return { ...request, headers: [...headersBut(request, (other) => other !== name), name, value] }
}

/** The headers whose names, in lower case, are to be kept. */
export function headersBut({ headers }: WebhookRequest, isKept: (name: string) => boolean): string[] {
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (isKept(name.toLowerCase())) kept.push(name, headers[index + 1] ?? '')
  }
  return kept
}

/** Every value of a header, in order. */
export function valuesOf({ headers }: WebhookRequest, name: string): readonly string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name)
}

/** The names of the request's headers in lower case, each once. */
export function headerNames({ headers }: WebhookRequest): readonly string[] {
  return [...new Set(headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()))]
}

/** The headers that a scheme reads: those it cannot do without, and those of which one is enough. */
export function headersRead(scheme: Scheme): {
  readonly all: readonly string[]
  readonly oneOf: readonly string[]
} {
  const required = Object.keys(scheme.required ?? {})
  if (!isSigning(scheme)) {
    return { all: [...('secret' in scheme ? headersIn([scheme.secret]) : []), ...required], oneOf: [] }
  }
  const { signature, timestamp, id, content } = scheme
  const all = [...headersIn([timestamp?.in, id?.in, ...content]), ...required]
  const oneOf = headersIn(signature.in)
  return oneOf.length === 1 ? { all: [...oneOf, ...all], oneOf: [] } : { all, oneOf }
}

function headersIn(places: readonly unknown[]): readonly string[] {
  const names = places.flatMap((place) =>
    typeof place === 'object' && place !== null && 'header' in place && typeof place.header === 'string'
      ? [place.header]
      : [],
  )
  return [...new Set(names)]
}

/** The headers that a signature may stand in; a few providers put it into the body. */
export function signatureHeaders({ signature }: SignatureScheme): readonly string[] {
  return headersIn(signature.in)
}

/** A name from outside as it may stand in a finding. */
export function quoted(name: string): string {
  const shown = name.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 64)
  return `'${shown}'`
}
