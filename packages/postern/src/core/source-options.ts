import { PosternError } from './errors.ts'
import { NUMBER, oneOf, type Kind } from './option-kinds.ts'
import { isText } from './place.ts'
import type { Provider } from './provider.ts'
import type { Place } from './scheme.ts'

/** A secret as its owner was shown it, or several while one is being rotated, newest first. Blank entries are absent. */
export type Secret = string | readonly (string | undefined)[] | undefined

/** What can be set for every source. */
export interface SourceOptions {
  /**
   * The signing secret as the provider showed it, or several while one is being rotated, newest first. Blank entries
   * are absent. Without any, requests are answered 503, so that senders try again once a secret is there.
   */
  readonly secret?: Secret
  /** Allowed clock distance, both sides; wins over the provider's own. */
  readonly toleranceSeconds?: number
  /** Default 1 MiB. Longer bodies are answered 413. */
  readonly maxBodyBytes?: number
  /**
   * How long an event id is remembered. Default 7 days, or the provider's `retryHorizonMs` where that is longer. Counted from
   * the first sight of the id and never prolonged: by the last, a sender that repeats itself without end, or anybody who
   * replays, would have its id kept for ever, and an id that comes again with a new meaning would never count.
   */
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

/** What providers with more than one secret pass on. */
export interface KeyedSourceOptions extends SourceOptions {
  /** Secrets by the name that their schemes have in `verifiedBy`. */
  readonly otherSecrets?: Readonly<Record<string, Secret>>
}

/** What each may be; and what is looked at elsewhere. */
const OPTIONS: Readonly<Record<string, Kind | undefined>> = {
  secret: undefined,
  toleranceSeconds: NUMBER,
  maxBodyBytes: NUMBER,
  dedupeWindowMs: NUMBER,
  orderBy: undefined,
  onDead: oneOf('block', 'continue'),
  onConflict: oneOf('hold', 'dispatch'),
  ack: oneOf('stored', 'handled'),
}

/**
 * The options that a provider's function was handed, where they are an object and each is of its kind; it may be absent, for a type
 * demands what is needed. Throws `PosternError` otherwise, with the option's name: what nobody has checked would refuse every
 * request of the source, and nobody would know why.
 */
export function optionsOf<T extends object>(
  provider: Pick<Provider, 'name'>,
  options: T,
  kinds: Readonly<Record<string, Kind | undefined>> = {},
): T {
  // Whatever a caller without a compiler has put there: null, texts, arrays and functions are other kinds of object.
  if (Object.prototype.toString.call(options) !== '[object Object]')
    throw unsound(provider, 'options must be an object')
  for (const [name, kind] of Object.entries(kinds)) {
    const value = (options as Readonly<Record<string, unknown>>)[name]
    if (kind && value !== undefined && !kind[0](value)) throw unsound(provider, `${name} must be ${kind[1]}`)
  }
  return options
}

/** Refuses options that are unknown or of no use, each by its name. */
export function assertKnownOptions(provider: Provider, options: SourceOptions): void {
  for (const name of Object.keys(optionsOf(provider, options, OPTIONS))) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw unsound(provider, `unknown option '${name}'; known are ${Object.keys(OPTIONS).join(', ')}`)
    }
  }
}

/** The ordering key's places where they are the source's own. Refuses what no event could ever have a key by. */
export function placesOf(provider: Provider, { orderBy }: SourceOptions): readonly Place[] | undefined {
  if (orderBy === undefined || typeof orderBy === 'boolean') return undefined
  // Whatever a caller without a compiler has put there.
  const places: readonly unknown[] = Array.isArray(orderBy) ? orderBy : [orderBy]
  if (places.length === 0 || !places.every(isReadable)) {
    throw unsound(
      provider,
      `orderBy must be true, or places such as { json: ['id'] }: got ${JSON.stringify(orderBy)}`,
    )
  }
  return places
}

/** A place outside the signature's own header, which only a scheme reads. */
function isReadable(place: unknown): place is Place {
  // Of what is no object there is none.
  const { json, header, query } = Object(place) as {
    readonly [kind in 'json' | 'header' | 'query']?: unknown
  }
  return Array.isArray(json) ? json.length > 0 && json.every(isText) : isText(header ?? query)
}

/** What a dead delivery does to the later ones of its key; `undefined` where the source asks for no order. */
export function onDeadOf(
  provider: Provider,
  { orderBy, onDead }: SourceOptions,
): 'block' | 'continue' | undefined {
  if (!orderBy) {
    if (onDead === undefined) return undefined
    throw unsound(provider, 'onDead is of use only with orderBy')
  }
  if (orderBy === true && provider.envelopes.every(({ orderingKey }) => orderingKey === undefined)) {
    throw unsound(provider, 'orderBy: true, but its requests name no ordering key; say where')
  }
  return onDead ?? 'block'
}

/** What is wrong with a provider's configuration, to be thrown. */
export function unsound(provider: Pick<Provider, 'name'>, problem: string): PosternError {
  return new PosternError('bad_config', `${provider.name}: ${problem}`)
}
