import { createHash } from 'node:crypto'
import { PosternError, type Logger, type Postern } from 'postern'
import type { ApiClient, ApiFailure, ApiResult, Pause } from './api-client.ts'

/** A queue at a vendor, for people without a public endpoint. Made by a vendor's own function; goes into `pull`. */
export interface PullQueue {
  readonly title: string
  readonly origin: string
  /** The variable with the API's key. */
  readonly keyVariable: string
  /** Said of what it brings: `verifiedBy` is `record:<witness>`. */
  readonly witness: string
  /** How often it is asked while it is empty. */
  readonly everyMs: number
  /** The queue's own name, part of every id. */
  readonly queueId: string
  /** What waits there. Asked again it answers the same, until that is acknowledged. */
  readonly list: (client: ApiClient) => Promise<ApiResult<readonly QueueMessage[]>>
  /** Has these forgotten; answers how many were. */
  readonly acknowledge: (client: ApiClient, ids: readonly string[]) => Promise<ApiResult<number>>
}

export interface QueueMessage {
  /** Absent where it has none that could be acknowledged. */
  readonly id: string | undefined
  /** Exactly as it came. */
  readonly text: string
}

export interface PullerOptions {
  readonly queue: PullQueue
  readonly source: string
  /** Asks; ends when the puller is to stop. */
  readonly client: ApiClient
  /** Acknowledges what was committed, also while the puller stops. */
  readonly finishing: ApiClient
  readonly record: Postern['record']
  readonly log: Logger
}

export interface Pulled {
  readonly stored: number
  readonly duplicates: number
  readonly conflicts: number
  /** Messages that cannot be recorded, or have no id: they stay at the vendor until it lets them go. */
  readonly skipped: number
  readonly acknowledged: number
  /** Why it ended before the queue was empty. */
  readonly failure?: string
}

/** The longest id that is kept as it stands. */
const LONGEST_ID = 255
const LONGEST_WAIT_MS = 5 * 60 * 1000

/**
 * Takes a queue's messages into the inbox. A message is acknowledged to the vendor only once its event is on stable storage: a
 * crash in between brings it again, as a duplicate.
 */
export class Puller {
  readonly #options: PullerOptions
  /** Digests of the ids of messages that were told of, or of their texts, which may be long, so that each is told of once. */
  readonly #toldOf = new Set<string>()

  constructor(options: PullerOptions) {
    this.#options = options
  }

  /** Takes all there is. */
  async drain(signal: AbortSignal): Promise<Pulled> {
    let sum: Pulled = { stored: 0, duplicates: 0, conflicts: 0, skipped: 0, acknowledged: 0 }
    while (!signal.aborted) {
      const page = await this.#takePage()
      // What was skipped comes again with every page; it is counted once.
      sum = { ...added(sum, page), skipped: page.skipped }
      if (page.failure !== undefined || page.acknowledged === 0) return sum
    }
    return sum
  }

  /** Takes what comes, until the signal. Failures are waited out, longer each time. */
  async follow(
    signal: AbortSignal,
    { pause, random }: { readonly pause: Pause; readonly random: () => number },
  ): Promise<void> {
    const { queue, source, log } = this.#options
    let failures = 0
    while (!signal.aborted) {
      const { failure } = await this.drain(signal)
      if (signal.aborted) return
      failures = failure === undefined ? 0 : failures + 1
      if (failure !== undefined)
        log.warn(`${queue.title}: nothing could be pulled`, { source, failure, failures })
      const waitMs = Math.min(
        queue.everyMs * 2 ** Math.min(failures, 10),
        Math.max(LONGEST_WAIT_MS, queue.everyMs),
      )
      await pause(failures === 0 ? waitMs : waitMs * (0.5 + random() / 2), signal).catch(() => {})
    }
  }

  async #takePage(): Promise<Pulled> {
    const { queue, client, finishing } = this.#options
    const listed = await queue.list(client)
    if (!listed.ok) return failed(listed)
    const taken = await Promise.all(listed.value.map((message) => this.#take(message)))
    const counted = count(taken)
    const ids = taken.flatMap(({ id }) => (id === undefined ? [] : [id]))
    const acknowledged =
      ids.length === 0 ? { ok: true as const, value: 0 } : await queue.acknowledge(finishing, ids)
    if (!acknowledged.ok) return { ...counted, failure: acknowledged.message }
    return { ...counted, acknowledged: acknowledged.value }
  }

  /** Records one message; its id comes back where it may be acknowledged. */
  async #take({ id, text }: QueueMessage): Promise<Taken> {
    const { queue, source, record } = this.#options
    if (id === undefined) return this.#skip(text, 'it has no id')
    try {
      const { outcome } = await record(source, {
        id: eventId(queue.queueId, id),
        witness: queue.witness,
        body: text,
      })
      return { outcome, id }
    } catch (error) {
      if (error instanceof PosternError && error.code === 'bad_event') return this.#skip(id, error.message)
      return { outcome: 'failed', error }
    }
  }

  /** @param text What the message is known by. */
  #skip(text: string, why: string): Taken {
    const { queue, source, log } = this.#options
    const key = sha256Of(text)
    if (!this.#toldOf.has(key) && this.#toldOf.size < 1000) {
      this.#toldOf.add(key)
      log.warn(`${queue.title}: a message cannot be recorded, and is left there`, { source, why })
    }
    return { outcome: 'skipped' }
  }
}

interface Taken {
  readonly outcome: 'conflict' | 'duplicate' | 'failed' | 'skipped' | 'stored'
  /** May be acknowledged. */
  readonly id?: string
  readonly error?: unknown
}

function count(taken: readonly Taken[]): Pulled {
  const of = (outcome: Taken['outcome']): number => taken.filter((each) => each.outcome === outcome).length
  const error = taken.find(({ outcome }) => outcome === 'failed')?.error
  return {
    stored: of('stored'),
    duplicates: of('duplicate'),
    conflicts: of('conflict'),
    skipped: of('skipped'),
    acknowledged: 0,
    ...(error !== undefined && { failure: error instanceof Error ? error.message : 'the store failed' }),
  }
}

function failed({ message }: ApiFailure): Pulled {
  return { ...count([]), failure: message }
}

function added(left: Pulled, right: Pulled): Pulled {
  return {
    ...right,
    stored: left.stored + right.stored,
    duplicates: left.duplicates + right.duplicates,
    conflicts: left.conflicts + right.conflicts,
    acknowledged: left.acknowledged + right.acknowledged,
  }
}

/** One that no store could keep is told by its digest: a message must never be in the way of those behind it. */
function eventId(queueId: string, messageId: string): string {
  const id = `${queueId}/${messageId}`
  return id.length <= LONGEST_ID && !/[\0\uFFFD\uD800-\uDFFF]/u.test(id)
    ? id
    : `${queueId.slice(0, 100)}/sha256:${sha256Of(messageId)}`
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
