import { SIGNATURE_BYTES } from './crypto.ts'
import { PosternError } from './errors.ts'
import { configuredSecrets, Keyring } from './keyring.ts'
import type { Envelope, Provider } from './provider.ts'
import type { Place, Scheme } from './scheme.ts'
import { DEFAULT_TOLERANCE_SECONDS } from './timestamp.ts'

/** Type names of a provider's events, each with the shape of its `data`. */
export type EventMap = Readonly<Record<string, unknown>>

/** What can be set for every source. */
export interface SourceOptions {
  /**
   * The signing secret as the provider showed it, or several while one is being rotated, newest first. Blank entries
   * are absent. Without any, requests are answered 503, so that senders try again once a secret is there.
   */
  readonly secret?: string | readonly (string | undefined)[] | undefined
  /** Allowed clock distance, both sides; wins over the provider's own. */
  readonly toleranceSeconds?: number
  /** Default 1 MiB. Longer bodies are answered 413. */
  readonly maxBodyBytes?: number
  /** How long an event id is remembered. Default 7 days, or the provider's redelivery horizon where that is longer. */
  readonly dedupeWindowMs?: number
  /**
   * Runs the events of one ordering key one at a time, in the order in which they were recorded. `true` for the key that
   * the provider's data names; places for a key of one's own.
   */
  readonly orderBy?: boolean | Place | readonly Place[]
  /** In order: whether a dead delivery blocks the later ones of its key (the default) or lets them pass. */
  readonly onDead?: 'block' | 'continue'
  /** Whether an event whose id was seen with another body is held until an operator says so (the default) or delivered. */
  readonly onConflict?: 'hold' | 'dispatch'
  /**
   * When the sender gets its 200: once the event is on stable storage (the default), or once the handlers without a name
   * are done as well; then a handler that throws becomes a 503, and the sender tries again.
   */
  readonly ack?: 'stored' | 'handled'
}

/** A provider configured here. Made by a provider's function, such as `vastai({ secret })`, or by `custom()`. */
export interface Source<Events extends EventMap = EventMap> {
  readonly provider: Provider
  /** The provider's schemes with the keys that verify them. */
  readonly schemes: readonly KeyedScheme[]
  readonly envelopes: readonly ReadableEnvelope[]
  readonly toleranceSeconds: number | undefined
  readonly maxBodyBytes: number
  readonly dedupeWindowMs: number
  /** The ordering key of one's own; the envelope's where absent. */
  readonly orderBy: readonly Place[] | undefined
  /** Set where its events run in order. */
  readonly onDead: 'block' | 'continue' | undefined
  readonly onConflict: 'hold' | 'dispatch'
  readonly ack: 'stored' | 'handled'
  /** What the operator should know; never contains a secret. */
  readonly warnings: readonly string[]
  /** Carries the event types for the compiler only; never set. */
  readonly events?: Events
}

export interface KeyedScheme {
  readonly scheme: Scheme
  readonly keys: Keyring
}

/** An envelope, with whether its id stands inside what every scheme of the source signs. */
export interface ReadableEnvelope extends Envelope {
  readonly idSigned: boolean
}

const DAY_MS = 24 * 60 * 60 * 1000
/** The seeds' `86400 * 7`. */
const DEFAULT_DEDUPE_WINDOW_MS = 7 * DAY_MS
const DEFAULT_MAX_BODY_BYTES = 1024 * 1024
const NUMBERS = new Set(['toleranceSeconds', 'maxBodyBytes', 'dedupeWindowMs'])
const CHOICES: ReadonlyMap<string, readonly string[]> = new Map([
  ['onDead', ['block', 'continue']],
  ['onConflict', ['hold', 'dispatch']],
  ['ack', ['stored', 'handled']],
])
const OPTION_NAMES = new Set(['secret', ...NUMBERS, 'orderBy', ...CHOICES.keys()])

/** Configures a provider. Throws `PosternError` for what can never work: an undecodable secret, an unsigned timestamp, an unknown option. */
export function defineSource<Events extends EventMap = EventMap>(
  provider: Provider,
  options: SourceOptions = {},
): Source<Events> {
  assertKnownOptions(provider, options)
  provider.schemes.forEach((scheme) => assertSound(provider, scheme))
  const secrets = configuredSecrets(options.secret)
  const schemes = provider.schemes.map((scheme) => ({ scheme, keys: new Keyring(secrets, scheme.key) }))
  const weak = schemes.some(({ keys }) => keys.hasWeakKey)
  return {
    provider,
    schemes,
    envelopes: provider.envelopes.map((envelope) => ({
      ...envelope,
      idSigned: envelope.id.every((place) => provider.schemes.every((scheme) => isSigned(place, scheme))),
    })),
    toleranceSeconds: options.toleranceSeconds,
    maxBodyBytes: options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
    dedupeWindowMs: dedupeWindow(provider, options),
    orderBy: placesOf(options.orderBy),
    onDead: onDeadOf(provider, options),
    onConflict: options.onConflict ?? 'hold',
    ack: options.ack ?? 'stored',
    warnings: weak ? ['a signing secret is shorter than 16 bytes and may be guessed; make a longer one'] : [],
  }
}

/** Whether a source can verify anything yet. */
export function hasSecret(source: Source): boolean {
  return source.schemes.some(({ keys }) => keys.size > 0)
}

function placesOf(orderBy: SourceOptions['orderBy']): readonly Place[] | undefined {
  if (orderBy === undefined || typeof orderBy === 'boolean') return undefined
  return 'length' in orderBy ? orderBy : [orderBy]
}

function onDeadOf(provider: Provider, { orderBy, onDead }: SourceOptions): Source['onDead'] {
  if (orderBy === undefined || orderBy === false) {
    if (onDead === undefined) return undefined
    throw new PosternError('bad_config', `${provider.name}: onDead is of use only with orderBy`)
  }
  if (orderBy === true && provider.envelopes.every(({ orderingKey }) => orderingKey === undefined)) {
    throw new PosternError(
      'bad_config',
      `${provider.name}: orderBy: true, but its requests name no ordering key; say where one stands, such as { json: ['data', 'id'] }`,
    )
  }
  return onDead ?? 'block'
}

function dedupeWindow(provider: Provider, options: SourceOptions): number {
  const horizonMs = (provider.redeliveryDays ?? 0) * DAY_MS
  const windowMs = options.dedupeWindowMs ?? Math.max(DEFAULT_DEDUPE_WINDOW_MS, horizonMs)
  const toleranceSeconds = options.toleranceSeconds ?? longestTolerance(provider)
  // A captured request stays fresh for up to twice the tolerance: signed at the far end of the future side, and whole
  // seconds are compared.
  const freshMs = (2 * toleranceSeconds + 1) * 1000
  if (windowMs <= freshMs) {
    throw new PosternError(
      'bad_config',
      `${provider.name}: dedupeWindowMs (${windowMs}) must be longer than a captured request stays fresh (${freshMs} ms: twice the tolerance)`,
    )
  }
  return windowMs
}

function longestTolerance(provider: Provider): number {
  const own = provider.schemes.map(
    ({ timestamp }) => timestamp?.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS,
  )
  return Math.max(DEFAULT_TOLERANCE_SECONDS, ...own)
}

function assertKnownOptions(provider: Provider, options: SourceOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!OPTION_NAMES.has(name)) {
      throw new PosternError(
        'bad_config',
        `${provider.name}: unknown option '${name}'; known are ${[...OPTION_NAMES].join(', ')}`,
      )
    }
    if (value === undefined) continue
    const choices = CHOICES.get(name)
    if (choices !== undefined && !choices.includes(value as string)) {
      throw new PosternError('bad_config', `${provider.name}: ${name} must be one of ${choices.join(', ')}`)
    }
    if (NUMBERS.has(name) && !(typeof value === 'number' && Number.isFinite(value) && value >= 0)) {
      throw new PosternError('bad_config', `${provider.name}: ${name} must be a number of 0 or more`)
    }
  }
}

/** Refuses schemes that look protected and are not, or that no request can pass. */
function assertSound(provider: Provider, scheme: Scheme): void {
  const complaint = unsoundness(scheme)
  if (complaint !== undefined) {
    throw new PosternError('bad_scheme', `${provider.name}: scheme '${scheme.name}' ${complaint}`)
  }
}

function unsoundness(scheme: Scheme): string | undefined {
  const { timestamp, id, content } = scheme
  if (SIGNATURE_BYTES[scheme.algorithm] === undefined)
    return `has an unknown algorithm, '${scheme.algorithm}'`
  if (scheme.signature.in.length === 0) return 'has no place for a signature'
  if (content.length === 0) return 'signs nothing'
  if (timestamp !== undefined && !content.includes('timestamp') && !isSigned(timestamp.in, scheme)) {
    return 'has a timestamp that is not part of the signed content, so anyone could renew it'
  }
  if (id !== undefined && !content.includes('id')) return 'has an id that is not signed'
  const separator = id === undefined ? undefined : literalAfterId(content)
  if (separator !== undefined && !id?.forbid?.includes(separator)) {
    return `must forbid '${separator}' in its ids: one with it could shift the boundary to the next signed part`
  }
  const header = headerNames(scheme).find((name) => name !== name.toLowerCase())
  return header === undefined ? undefined : `names the header '${header}', which must be in lower case`
}

function literalAfterId(content: Scheme['content']): string | undefined {
  const next = content[content.indexOf('id') + 1]
  return typeof next === 'object' && 'literal' in next ? next.literal[0] : undefined
}

function headerNames(scheme: Scheme): readonly string[] {
  const places = [...scheme.signature.in, scheme.timestamp?.in, scheme.id?.in, ...scheme.content]
  const inPlaces = places.flatMap((each) =>
    typeof each === 'object' && 'header' in each ? [each.header] : [],
  )
  return [...inPlaces, ...Object.keys(scheme.required ?? {})]
}

function isSigned(place: Place, scheme: Scheme): boolean {
  if ('json' in place) return scheme.content.includes('body')
  if (scheme.id !== undefined && samePlace(scheme.id.in, place)) return true
  return scheme.content.some(
    (part) => typeof part === 'object' && !('literal' in part) && samePlace(part, place),
  )
}

function samePlace(left: Place, right: Place): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}
