import { createHmac, hash } from 'node:crypto'
import type { WebhookEvent } from 'postern'
import { standardWebhooks } from 'postern/providers'
import { ForwardedHeaders, type HeaderRules } from './forwarded-headers.ts'

export interface Attempted {
  readonly event: WebhookEvent
  readonly deliverySeq: number
  readonly attempt: number
}

/** How long an id or a type in a header may be, before it is encoded. */
const LONGEST_WORD_CHARS = 512
const ID_CHARS = 32

/** Makes the headers of one destination's requests, signed anew with Standard Webhooks 1.0.0. */
export class Messages {
  readonly #headers: ForwardedHeaders
  readonly #keys: readonly Uint8Array[]

  /**
   * @param secrets Each signs, and all signatures are sent, newest first, so that a target may change to the new one at any
   * time. Throws `PosternError` where one is not base64 of 24 bytes or more.
   */
  constructor(secrets: readonly string[], rules: HeaderRules) {
    this.#headers = new ForwardedHeaders(rules)
    this.#keys = secrets.flatMap(keysOf)
  }

  /** Names and values in turn. */
  headers(attempted: Attempted, nowMs: number): string[] {
    const { event, attempt } = attempted
    const id = messageId(attempted)
    const timestamp = String(Math.floor(nowMs / 1000))
    const headers = [
      'user-agent',
      'Postern',
      'webhook-id',
      id,
      'webhook-timestamp',
      timestamp,
      'webhook-signature',
      this.#signatures(`${id}.${timestamp}.`, event.body),
      'postern-source',
      event.source,
      'postern-type',
      headerWord(event.type),
      'postern-event-id',
      headerWord(event.id),
      'postern-attempt',
      String(attempt),
    ]
    this.#headers.addTo(headers, event.headers)
    return headers
  }

  /** The spec's form of a rotation: signatures in one header, parted by spaces. */
  #signatures(beginning: string, body: Uint8Array): string {
    const each = this.#keys.map((key) => {
      const digest = createHmac('sha256', key).update(beginning, 'latin1').update(body).digest('base64')
      return `v1,${digest}`
    })
    return each.join(' ')
  }
}

/** The secret's bytes, as the provider's own rules read them. `sign` of the library, which serves any scheme, takes 6 µs more. */
function keysOf(secret: string): readonly Uint8Array[] {
  return standardWebhooks({ secret }).schemes.flatMap(({ keys }) => keys.first() ?? [])
}

/**
 * The same for every try of a delivery, so that a target drops what it has had; another for a replay, which an operator asks
 * for because the target is to have it again. Made from the event's own id as well, since a store that is begun anew counts
 * from 1 again, and without a dot, which would shift what is signed.
 */
export function messageId({ event, deliverySeq }: Omit<Attempted, 'attempt'>): string {
  const digest = hash('sha256', `${event.source}\n${deliverySeq}\n${event.id}`, 'base64url')
  return `msg_${digest.slice(0, ID_CHARS)}`
}

/** A text as a header can carry it: percent-encoded where it is not visible ASCII, and where it has a percent sign. */
export function headerWord(text: string): string {
  const short = text.slice(0, LONGEST_WORD_CHARS)
  return /^[\x21-\x24\x26-\x7e]*$/.test(short)
    ? short
    : encodeURIComponent(short.replaceAll(/\p{Surrogate}/gu, '\uFFFD'))
}
