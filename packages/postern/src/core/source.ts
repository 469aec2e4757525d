import { byEverySecret, byOneSecret, secretNamesOf, type Authenticate } from './authenticate.ts'
import type { CheckResult } from './check.ts'
import { canonicalHmacs } from './canonical-hmacs.ts'
import { hmacs } from './hmac-method.ts'
import { itemHmacs } from './item-hmacs.ts'
import { configuredSecrets } from './keyring.ts'
import { methodOf, type KeyedScheme, type Method, type SoundMethod } from './method.ts'
import type { OpenHandshakes } from './open-handshake.ts'
import type { ParseBody } from './place.ts'
import type { Envelope, Provider } from './provider.ts'
import { keyedDigests, publicKeys } from './public-key.ts'
import type { WebhookRequest } from './request.ts'
import type { Place, Scheme } from './scheme.ts'
import { assertSound, secretNameOf } from './sound-scheme.ts'
import { assertApart } from './secrets-apart.ts'
import {
  assertKnownOptions,
  onDeadOf,
  optionsOf,
  placesOf,
  unsound,
  type KeyedSourceOptions,
  type Secret,
  type SourceOptions,
} from './source-options.ts'
import { bodySecrets, eachSecrets, headerSecrets, querySecrets } from './static-secret-method.ts'
import { DEFAULT_TOLERANCE_SECONDS } from './timestamp.ts'
import { urlHmacs } from './url-hmacs.ts'

/** Type names of a provider's events, each with the shape of its `data`. */
export type EventMap = Readonly<Record<string, unknown>>

/** A provider configured here. Made by a provider's function, such as `vastai({ secret })`, or by `custom()`. */
export interface Source<Events extends EventMap = EventMap> {
  readonly provider: Provider
  /** The provider's schemes with the keys that verify them. */
  readonly schemes: readonly KeyedScheme[]
  /** Which of them a request must satisfy. */
  readonly authenticate: Authenticate
  readonly envelopes: readonly ReadableEnvelope[]
  /** How bodies are read; as JSON where absent. */
  readonly parse: ParseBody | undefined
  /** Set where handshakes that nothing signs are answered. */
  readonly handshake?: OpenHandshakes
  /**
   * Set where a key has to be fetched before a request can be checked: what came of the schemes that need one. Where it is
   * not set, verifying awaits nothing. Never rejects.
   */
  readonly checkFirst?: (
    source: Source,
    request: WebhookRequest,
    nowMs: number,
  ) => Promise<ReadonlyMap<Scheme, CheckResult>>
  readonly toleranceSeconds: number | undefined
  readonly maxBodyBytes: number
  readonly dedupeWindowMs: number
  /** The ordering key of one's own; the envelope's where absent. */
  readonly orderBy: readonly Place[] | undefined
  /** Set where its events run in order. */
  readonly onDead: 'block' | 'continue' | undefined
  readonly onConflict: 'hold' | 'dispatch'
  readonly ack: 'stored' | 'handled'
  /** Answers a handshake that asks for more than an answer: it is handed the address to visit. A rejection is answered 503. */
  readonly confirm?: (url: string) => Promise<void>
  /** What the operator should know; never contains a secret. */
  readonly warnings: readonly string[]
  /** Carries the event types for the compiler only; never set. */
  readonly events?: Events
}

/** An envelope, with whether its id stands inside what every scheme of the source signs. */
export interface ReadableEnvelope extends Envelope {
  readonly idSigned: boolean
}

const DAY_MS = 24 * 60 * 60 * 1000
/** The seeds' `86400 * 7`. */
const DEFAULT_DEDUPE_WINDOW_MS = 7 * DAY_MS
const DEFAULT_MAX_BODY_BYTES = 1024 * 1024

/** Configures a provider. Throws `PosternError` for what can never work: an undecodable secret, an unsigned timestamp, an unknown option. */
export function defineSource<Events extends EventMap = EventMap>(
  provider: Provider,
  options: KeyedSourceOptions = {},
): Source<Events> {
  return defineSourceBy<Events>(ALL_METHODS, provider, options)
}

/**
 * As `defineSource`, for a provider whose schemes are all HMACs: an app that has no other source then bundles no other
 * way to authenticate.
 */
export function defineHmacSource<Events extends EventMap = EventMap>(
  provider: Provider,
  options: KeyedSourceOptions = {},
): Source<Events> {
  return defineSourceBy<Events>([hmacs], provider, options)
}

/** As `defineSource`, with these ways to authenticate and no others. Refuses a provider that has a scheme of another. */
export function defineSourceBy<Events extends EventMap = EventMap>(
  methods: readonly Method[],
  provider: Provider,
  given: KeyedSourceOptions = {},
): Source<Events> {
  const { otherSecrets = {}, ...options } = optionsOf(provider, given)
  // First, since a name that is written wrongly is why something else is not there.
  assertKnownOptions(provider, options)
  assertSound(provider, methods)
  const secrets = secretsByName(provider, options, otherSecrets)
  const source = defineSoundSource<Events>(methods, provider, options, (name) => secrets.get(name))
  if (secretNamesOf(source.schemes).length < 2) return source
  assertApart(provider.name, source.schemes)
  return { ...source, authenticate: byEverySecret }
}

/** What needs no key to be fetched, and no parser of structured fields. */
export const ALL_METHODS: readonly Method[] = [
  hmacs,
  urlHmacs,
  itemHmacs,
  canonicalHmacs,
  publicKeys,
  keyedDigests,
  headerSecrets,
  querySecrets,
  bodySecrets,
  eachSecrets,
]

/**
 * As `defineSourceBy`, of a provider that is known to be sound, each of its schemes by one of these methods: where all are
 * verified by one secret, nothing else is needed.
 */
export function defineSoundSource<Events extends EventMap = EventMap>(
  methods: readonly SoundMethod[],
  provider: Provider,
  options: SourceOptions,
  secretOf: (name: string) => Secret = () => options.secret,
): Source<Events> {
  assertKnownOptions(provider, options)
  const schemes = provider.schemes.map((scheme) =>
    keyed(provider, scheme, methodOf(scheme, methods) as SoundMethod, secretOf),
  )
  return {
    provider,
    schemes,
    authenticate: byOneSecret,
    envelopes: provider.envelopes.map((envelope) => ({
      ...envelope,
      idSigned: envelope.id.every((place) =>
        schemes.every(({ scheme, method }) => method.signs(place, scheme)),
      ),
    })),
    parse: schemes.find(({ method }) => method.parse)?.method.parse,
    toleranceSeconds: options.toleranceSeconds,
    maxBodyBytes: options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
    dedupeWindowMs: dedupeWindow(provider, options),
    orderBy: placesOf(provider, options),
    onDead: onDeadOf(provider, options),
    onConflict: options.onConflict ?? 'hold',
    ack: options.ack ?? 'stored',
    warnings: warningsOf(provider, schemes),
  }
}

/** The same source with another `secret`; what is verified by other secrets stays as it is. */
export function withSecret<Events extends EventMap>(source: Source<Events>, secret: Secret): Source<Events> {
  const { provider } = source
  const schemes = source.schemes.map((own) =>
    secretNameOf(own.scheme) === 'secret' ? keyed(provider, own.scheme, own.method, () => secret) : own,
  )
  assertApart(provider.name, schemes)
  return { ...source, schemes, warnings: warningsOf(provider, schemes) }
}

/** Whether a source can verify anything yet. */
export function hasSecret(source: Source): boolean {
  return source.schemes.some(({ keys }) => keys.size > 0)
}

/** What is given, under the names that schemes know; all of it is text, whether a scheme asks for it or not. */
function secretsByName(
  provider: Provider,
  { secret }: SourceOptions,
  otherSecrets: Readonly<Record<string, Secret>>,
): ReadonlyMap<string, readonly string[]> {
  const known = new Set(provider.schemes.map(secretNameOf))
  const unknown = Object.keys(otherSecrets).find((name) => name === 'secret' || !known.has(name))
  if (unknown !== undefined) {
    throw unsound(provider, `no scheme is verified by the secret '${unknown}'`)
  }
  const named = Object.entries({ secret, ...otherSecrets })
  return new Map(named.map(([name, value]) => [name, configuredSecrets(provider, name, value)]))
}

function keyed(
  provider: Provider,
  scheme: Scheme,
  method: SoundMethod,
  secretOf: (name: string) => Secret,
): KeyedScheme {
  const name = secretNameOf(scheme)
  return { scheme, keys: method.keyring(configuredSecrets(provider, name, secretOf(name)), scheme), method }
}

function warningsOf({ warnings = [] }: Provider, schemes: readonly KeyedScheme[]): readonly string[] {
  const configured = schemes.filter(({ keys }) => keys.size > 0)
  const isWeak = configured.some(({ keys }) => keys.hasWeakKey)
  const own = configured.map(({ method }) => method.warning)
  return [
    ...(isWeak ? ['a signing secret is shorter than 16 bytes and may be guessed; make a longer one'] : []),
    // What is said of one way to authenticate is no matter where a request needs another one as well.
    ...(own.every((warning) => warning !== undefined) ? new Set(own) : []),
    ...warnings,
  ]
}

function dedupeWindow(provider: Provider, options: SourceOptions): number {
  const windowMs = options.dedupeWindowMs ?? Math.max(DEFAULT_DEDUPE_WINDOW_MS, provider.retryHorizonMs ?? 0)
  const toleranceSeconds = options.toleranceSeconds ?? longestTolerance(provider)
  // A captured request stays fresh for up to twice the tolerance: signed at the far end of the future side, and whole
  // seconds are compared.
  const freshMs = (2 * toleranceSeconds + 1) * 1000
  if (windowMs <= freshMs) {
    throw unsound(
      provider,
      `dedupeWindowMs (${windowMs}) must be longer than a captured request stays fresh (${freshMs} ms: twice the tolerance)`,
    )
  }
  return windowMs
}

function longestTolerance({ schemes }: Provider): number {
  const own = schemes.map((scheme) => ('timestamp' in scheme && scheme.timestamp?.toleranceSeconds) || 0)
  return Math.max(DEFAULT_TOLERANCE_SECONDS, ...own)
}
