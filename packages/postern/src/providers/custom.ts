import {
  defineSource,
  type Envelope,
  type EventMap,
  type Provider,
  type SignatureScheme,
  type Source,
  type SourceOptions,
  type StaticSecretScheme,
} from '../core/index.ts'
import { TEXT } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'

/** A provider of one's own, in the same data that the built-in ones are made of. */
export interface CustomOptions extends SourceOptions {
  /** Lower-case; shown in logs and recorded with events. Default `custom`. */
  readonly name?: string
  /** The provider's name as people write it. Default: `name`. */
  readonly title?: string
  /** The sender's own page about its webhooks, for people; it is never visited. */
  readonly documentation?: string
  /** How a request is authenticated. Its `name` is recorded with each event that it verified; default: the provider's. */
  readonly scheme: Unnamed<SignatureScheme> | Unnamed<StaticSecretScheme>
  /**
   * Where id, type, time and ordering key stand in a request, and which part of the body handlers get. Where it
   * names a place for the type, it counts only for events that have one there, or by its `defaultType`; of others the id is the
   * digest of the body.
   */
  readonly envelope: Unnamed<Envelope>
}

type Unnamed<T> = Omit<T, 'name'> & { readonly name?: string }

/**
 * A source for a scheme of one's own.
 *
 * @example
 * const github = custom({
 *   secret: process.env.GITHUB_WEBHOOK_SECRET,
 *   scheme: {
 *     algorithm: 'hmac-sha256',
 *     key: { as: 'utf8' },
 *     signature: { in: [{ header: 'x-hub-signature-256' }], prefix: 'sha256=', encoding: 'hex' },
 *     content: ['body'],
 *   },
 *   envelope: { id: [{ header: 'x-github-delivery' }], type: { header: 'x-github-event' } },
 * })
 */
export function custom<Events extends EventMap = EventMap>(options: CustomOptions): Source<Events> {
  const {
    name = 'custom',
    title = name,
    documentation,
    scheme,
    envelope,
    ...rest
  } = optionsOf({ name: 'custom' }, options, { name: TEXT, title: TEXT, documentation: TEXT })
  const provider: Provider = {
    name,
    title,
    ...(documentation !== undefined && { documentation }),
    schemes: [{ name, ...scheme }],
    envelopes: [{ name, ...envelope }],
  }
  return defineSource<Events>(provider, rest)
}
