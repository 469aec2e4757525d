import { GroupCommit, toError, toText, type NewEvent, type PutResult } from '../../inbox/index.ts'
import { isOfOneEvent, unavailable } from './failure.ts'
import { readClaimed, toStatus, type HandedOut, type StatusRow } from './handed-out.ts'
import { Places } from './places.ts'
import { putAll, type Batch } from './put.ts'
import { LOCK_TIMEOUT_MS, type Server } from './server.ts'

/** Arrays of events that one commit carries at most. */
const MOST_ARRAYS = 512
/** Events that one transaction takes, and bytes of their bodies. */
const MOST_EVENTS = 1000
const MOST_BYTES = 16 * 1024 * 1024
/**
 * A batch waits no longer for a key that another node holds: then its arrays go by themselves, and the others are not kept
 * waiting. Longer than a commit takes on a slow disk: the batch before may hold the same lanes.
 */
const BATCH_LOCK_TIMEOUT_MS = 400
/** Together within the 2.5 s of an answer, with as much left over for a machine that is busy. */
const ALONE_LOCK_TIMEOUT_MS = 900
/** Transactions for what a batch could not store, at once: the pool has others to serve. */
const MOST_APART = 4

export interface PuttingSettings {
  readonly server: Server
  readonly schema: string
  readonly offsetMs: () => number
  /** Told of each batch that was recorded. */
  readonly onBatch: (batch: Batch & { readonly count: number; readonly tookMs: number }) => void
}

/** Where a put must wait or be tried alone, how to do that apart from its batch. */
type Answer = PutResult[] | (() => Promise<PutResult[]>)

/** Gathers puts into batches, one transaction each, and takes apart a batch that fails, so that each event fails for itself. */
export class Putting {
  readonly #settings: PuttingSettings
  readonly #batches: GroupCommit<readonly NewEvent[], Answer>
  readonly #apart = new Places(MOST_APART)

  constructor(settings: PuttingSettings) {
    this.#settings = settings
    this.#batches = new GroupCommit((arrays) => this.#putBatch(arrays), MOST_ARRAYS)
  }

  /** Records the events of one array, in its order. */
  async put(events: readonly NewEvent[]): Promise<PutResult[]> {
    const storable = events.every(isStorable) ? events : events.filter(isStorable)
    const answer = storable.length === 0 ? [] : await this.#batches.add(storable)
    const results = typeof answer === 'function' ? await answer() : answer
    for (const [index, result] of results.entries()) {
      if (result.outcome === 'duplicate') results[index] = await this.#takeCopy(storable[index], result)
    }
    if (storable === events) return results
    return events.map((event) => {
      const error = refusalOf(event)
      const failed: PutResult = { outcome: 'failed', error: error ?? new Error('the event has no result') }
      return error === undefined ? (results.shift() ?? failed) : failed
    })
  }

  async #putBatch(arrays: readonly (readonly NewEvent[])[]): Promise<Answer[]> {
    const answers: Answer[] = []
    for (const chunk of chunksOf(arrays)) answers.push(...(await this.#putChunk(chunk)))
    return answers
  }

  async #putChunk(arrays: readonly (readonly NewEvent[])[]): Promise<Answer[]> {
    try {
      const results = await this.#record(arrays.flat(), BATCH_LOCK_TIMEOUT_MS)
      let next = 0
      return arrays.map(({ length }) => results.slice(next, (next += length)))
    } catch (error) {
      if (!isOfOneEvent(error)) throw error
      return arrays.map((array) => () => this.#putApart(array))
    }
  }

  /** One event after another, each in a transaction of its own. */
  #putApart(events: readonly NewEvent[]): Promise<PutResult[]> {
    return this.#apart.within(async () => {
      const results: PutResult[] = []
      for (const event of events) results.push(await this.#putAlone(event))
      return results
    })
  }

  async #putAlone(event: NewEvent): Promise<PutResult> {
    try {
      const [result] = await this.#record([event], ALONE_LOCK_TIMEOUT_MS)
      return result ?? { outcome: 'failed', error: new Error('the event has no result') }
    } catch (error) {
      if (!isOfOneEvent(error)) throw error
      return { outcome: 'failed', error: toError(error) }
    }
  }

  async #record(events: readonly NewEvent[], lockTimeoutMs: number): Promise<readonly PutResult[]> {
    const { server, schema, offsetMs, onBatch } = this.#settings
    const startedMs = performance.now()
    try {
      const batch = await putAll(server, events, { schema, offsetMs: offsetMs(), lockTimeoutMs })
      onBatch({ ...batch, count: events.length, tookMs: performance.now() - startedMs })
      return batch.results
    } catch (error) {
      throw isOfOneEvent(error) ? error : unavailable(error)
    }
  }

  /** A copy that asks for a lease gets it after its batch, which has locked lanes in an order that is not the others'. */
  async #takeCopy(
    event: NewEvent | undefined,
    result: Extract<PutResult, { readonly outcome: 'duplicate' }>,
  ): Promise<PutResult> {
    const lease = event?.lease
    if (lease === undefined || lease.leavesCopies === true) return result
    const { server, schema, offsetMs } = this.#settings
    const taken = await server.call<HandedOut & { readonly statuses: string | null }>(
      `SELECT * FROM ${schema}.take_1($1, $2, $3, $4, $5)`,
      [result.eventSeq, toText(lease.destination), Math.ceil(lease.leaseMs), LOCK_TIMEOUT_MS, offsetMs()],
    )
    const [leased] = readClaimed(taken)
    // Written by the function.
    const statuses = (JSON.parse(taken.statuses ?? 'null') as StatusRow[] | null) ?? []
    const deliveries = statuses.map(toStatus)
    return leased === undefined ? { ...result, deliveries } : { ...result, deliveries, leased }
  }
}

/** Whole arrays, so that each stays in one transaction; one that is larger than all is a chunk of its own. */
function chunksOf(arrays: readonly (readonly NewEvent[])[]): readonly (readonly (readonly NewEvent[])[])[] {
  const chunks: (readonly NewEvent[])[][] = []
  let count = Infinity
  let bytes = 0
  for (const array of arrays) {
    count += array.length
    bytes += bytesOf(array)
    if (count > MOST_EVENTS || bytes > MOST_BYTES) {
      chunks.push([])
      count = array.length
      bytes = bytesOf(array)
    }
    chunks.at(-1)?.push(array)
  }
  return chunks
}

/** What no statement could say: a caller without types may pass anything. */
function refusalOf({ body, createdMs }: NewEvent): Error | undefined {
  if (!(body instanceof Uint8Array)) return new TypeError('the body of an event must be bytes')
  if (createdMs !== undefined && !Number.isSafeInteger(createdMs))
    return new RangeError('createdMs must be a whole number of milliseconds')
  return undefined
}

function isStorable(event: NewEvent): boolean {
  return refusalOf(event) === undefined
}

function bytesOf(events: readonly NewEvent[]): number {
  return events.reduce((sum, { body }) => sum + body.byteLength, 0)
}
