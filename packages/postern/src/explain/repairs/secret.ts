import type { Scheme } from '../../core/index.ts'
import {
  keyringOf,
  isSigning,
  type GivenSecret,
  type Repair,
  type Subject,
  type Variant,
} from '../subject.ts'
import type { Cause } from '../finding.ts'

/** What providers put before a secret, so that one knows it when one sees it. */
const PREFIX = /^[a-z]{2,8}(?:_[a-z]{2,8})?_/i

/** A secret that was taken in another way than the scheme has it. */
export const otherSecretReading: Repair = function* (subject) {
  for (const secret of subject.secrets) {
    yield* cleaned(subject, secret)
    if (isSigning(subject.scheme)) yield* readings(subject, secret)
  }
}

/** White space and quotes: too much here, or too much where it is signed. */
function* cleaned({ scheme, method }: Subject, { text, name }: GivenSecret): Iterable<Variant> {
  const trimmed = text
    .trim()
    .replace(/^(["'`])(.*)\1$/s, '$2')
    .trim()
  if (trimmed !== text && trimmed !== '') {
    const keys = keyringOf(method, scheme, [trimmed])
    const undoing = `once white space or quotes around ${name} are removed`
    if (keys !== undefined) yield { cause: 'secret_whitespace', undoing, keys }
  }
  if (!isSigning(scheme)) return
  for (const { what, around } of SURROUNDINGS) {
    const variant = byBytes({ scheme, method }, Buffer.from(around(text), 'utf8'))
    const undoing = `once ${what} ${name}, as it seems to stand where it is signed`
    if (variant !== undefined) yield { cause: 'secret_whitespace', undoing, ...variant }
  }
}

const SURROUNDINGS: readonly { readonly what: string; readonly around: (text: string) => string }[] = [
  { what: 'a line break follows', around: (text) => `${text}\n` },
  { what: 'CR and LF follow', around: (text) => `${text}\r\n` },
  { what: 'a space follows', around: (text) => `${text} ` },
  { what: 'double quotes stand around', around: (text) => `"${text}"` },
  { what: 'single quotes stand around', around: (text) => `'${text}'` },
]

interface Reading {
  readonly cause: Cause
  readonly what: string
  readonly bytes: Uint8Array
}

function* readings(subject: Subject, secret: GivenSecret): Iterable<Variant> {
  for (const { cause, what, bytes } of readingsOf(subject.scheme, secret.text)) {
    const variant = bytes.byteLength === 0 ? undefined : byBytes(subject, bytes)
    if (variant !== undefined) yield { cause, undoing: `once ${secret.name} is ${what}`, ...variant }
  }
}

/** Every way to make a key of a secret; the scheme's own is among them and has been tried before. */
function readingsOf(scheme: Scheme, text: string): readonly Reading[] {
  if (!isSigning(scheme)) return []
  const { as, stripPrefixes = [] } = scheme.key
  const own = stripPrefixes.find((prefix) => text.startsWith(prefix)) ?? ''
  const bare = text.slice(own.length).replace(own === '' ? PREFIX : '', '')
  const decoded: readonly Reading[] = (['base64', 'base64url', 'hex'] as const).flatMap((encoding) =>
    [...new Set([bare, text.slice(own.length)])].map((each) => ({
      cause: as === encoding ? ('secret_prefix' as const) : ('secret_decoded' as const),
      what: `decoded from ${encoding} first`,
      bytes: Buffer.from(each, encoding),
    })),
  )
  const undecoded = as === 'utf8' ? 'secret_prefix' : 'secret_not_decoded'
  return [
    { cause: undecoded, what: 'taken as text, without its prefix', bytes: Buffer.from(bare, 'utf8') },
    { cause: undecoded, what: 'taken as text, as it is', bytes: Buffer.from(text, 'utf8') },
    ...stripPrefixes.map((prefix) => ({
      cause: undecoded as Cause,
      what: 'taken as text, with the prefix that the provider shows it with',
      bytes: Buffer.from(prefix + text.slice(own.length), 'utf8'),
    })),
    ...decoded,
  ]
}

/** The scheme keyed by bytes, whatever the scheme says of secrets. */
function byBytes(
  { scheme, method }: Pick<Subject, 'method' | 'scheme'>,
  bytes: Uint8Array,
): Pick<Variant, 'keys' | 'scheme'> | undefined {
  if (!isSigning(scheme)) return undefined
  const plain = { ...scheme, key: { as: 'hex' as const } }
  const keys = keyringOf(method, plain, [Buffer.from(bytes).toString('hex')])
  return keys && { scheme: plain, keys }
}
