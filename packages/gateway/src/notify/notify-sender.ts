import type { AttemptContext, HandlerOptions, WebhookEvent } from 'postern'
import type { Matches } from '../forward/filter.ts'
import { Outlet, type OutletParts } from '../forward/outlet.ts'
import type { RetryOn } from '../forward/outcome.ts'
import type { Sender } from '../forward/sender.ts'
import type { Sent } from '../forward/target.ts'
import { CHANNELS, type Channel } from './channel.ts'
import { Gathering, type Gathered } from './gathering.ts'
import { MessageCap, MOST_GATHERED } from './message-cap.ts'
import type { Message } from './message.ts'
import { NotifyHeaders } from './notify-headers.ts'
import { DEFAULT_PER_MINUTE, type ResolvedNotification } from './notify-options.ts'
import { Secrets } from './secrets.ts'
import { summaryOf } from './summary.ts'
import type { Teller } from './teller.ts'

/** How long what has waited for the minute to end is gathered: the claims that bring it follow one another within that. */
export const GATHER_MS = 1000
const CONNECTIONS = 4
/** A body that an API does not take (400, 413, 422) it will not take the next time. The rest may be put right meanwhile. */
const RETRY_ON: RetryOn = ['3xx', 401, 402, 403, 404, 405, 408, 409, 425, 429, '5xx']

interface Telling {
  readonly message: Message
  /** 0 for a summary, which is no delivery of its own. */
  readonly deliverySeq: number
  readonly attempt: number
  readonly signal: AbortSignal
}

/** Tells people of events: one message each, and one for all that came when the minute had no more. */
export class NotifySender implements Sender {
  readonly options: ResolvedNotification
  readonly outlet: Outlet
  readonly #teller: Teller
  readonly #channel: Channel
  readonly #cap: MessageCap
  readonly #gathering: Gathering<Telling>
  readonly #headers: NotifyHeaders
  readonly #secrets: Secrets
  readonly #parts: OutletParts

  constructor(options: ResolvedNotification, teller: Teller, parts: OutletParts) {
    this.options = options
    this.#teller = teller
    this.#parts = parts
    this.#channel = CHANNELS[options.notify]
    this.#cap = new MessageCap(options.perMinute ?? DEFAULT_PER_MINUTE, () => this.#gathering.size)
    this.#gathering = new Gathering({
      time: parts.time,
      forMs: GATHER_MS,
      most: MOST_GATHERED,
      onFull: (gathered) => this.#tellGathered(gathered),
    })
    this.#headers = new NotifyHeaders(options)
    this.#secrets = new Secrets(options)
    this.outlet = new Outlet(
      { ...options, retryOn: options.retryOn ?? RETRY_ON },
      CONNECTIONS,
      [this.#cap],
      parts,
    )
  }

  get handlerOptions(): HandlerOptions {
    const { workerTimeoutMs, retry, gate } = this.outlet
    const timeoutMs = workerTimeoutMs + GATHER_MS
    return { name: this.options.name, concurrency: MOST_GATHERED, timeoutMs, retry, gate }
  }

  readonly wantsFrom = (): Matches => (event) => this.#teller.wants(event)

  readonly send = (event: WebhookEvent, { attempt, deliverySeq, signal }: AttemptContext): Promise<void> => {
    const telling = { message: this.#teller.messageOf(event), deliverySeq, attempt, signal }
    return this.#cap.isGathering ? this.#gathering.join(telling, signal) : this.#tell(telling)
  }

  async #tell({ message, deliverySeq, attempt, signal }: Telling): Promise<void> {
    const text = JSON.stringify(this.#channel.body(message, this.options.routingKey))
    const body = new TextEncoder().encode(text)
    const headers = (): string[] =>
      this.#headers.of(message, body, { deliverySeq, attempt, nowMs: this.#parts.time.wallMs() })
    await this.outlet.send({ headers, body, attempt: { signal } }, (sent) => this.#read(sent))
  }

  /** All that are told in one message end as it does: none is settled before it was taken. */
  #tellGathered(gathered: readonly Gathered<Telling>[]): void {
    const together = gathered.filter(({ each }) => this.#channel.mayGroup(each.message))
    const alone = gathered.filter(({ each }) => !this.#channel.mayGroup(each.message))
    if (together.length > 1) {
      const told = this.#tell(summed(together.map(({ each }) => each)))
      for (const { settle } of together) settle(told)
    } else alone.unshift(...together)
    // Where the minute has no room for each of them, those that are left are given back, and come with the next.
    for (const { each, settle } of alone) settle(this.#tell(each))
  }

  /** What an answer says goes into the attempt's error, and an API may say what it was sent. */
  #read(sent: Sent): Sent {
    if (sent.kind === 'failed') return { ...sent, text: this.#secrets.removedFrom(sent.text) }
    const isRefused = sent.status < 300 && /^\{\s*"ok"\s*:\s*false\b/.test(sent.excerpt)
    const excerpt = this.#secrets.removedFrom(sent.excerpt)
    // Slack's own way of a failure, of which its webhooks make no use and its imitators do.
    return { ...sent, excerpt, ...(isRefused && { status: 502 }) }
  }
}

/** Broken off once nobody waits for it any more: one that has lost its lease must not take the others with it. */
function summed(tellings: readonly Telling[]): Telling {
  const control = new AbortController()
  let waiting = tellings.length
  for (const { signal } of tellings) {
    signal.addEventListener(
      'abort',
      () => {
        waiting -= 1
        if (waiting === 0) control.abort(signal.reason)
      },
      { once: true },
    )
  }
  return {
    message: summaryOf(tellings.map(({ message }) => message)),
    deliverySeq: 0,
    attempt: Math.max(...tellings.map(({ attempt }) => attempt)),
    signal: control.signal,
  }
}
