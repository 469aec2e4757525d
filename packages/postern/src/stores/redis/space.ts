import {
  DURATION_BOUNDS_MS,
  GroupCommit,
  HistogramCounter,
  SIZE_BOUNDS,
  type CommitStat,
} from '../../inbox/index.ts'
import { COMMIT } from './lua/commit.ts'
import { READ } from './lua/read.ts'
import { pack, unpack, type Packable, type Unpacked } from './packing.ts'
import { scriptOf, type Server } from './server.ts'

const COMMIT_SCRIPT = scriptOf(COMMIT)
const READ_SCRIPT = scriptOf(READ)

/** The most operations and bytes of one call: while a script runs, the server does nothing else. */
const MOST_OPERATIONS = 1024
const MOST_BYTES = 4 * 1024 * 1024

/** One thing to be done in a commit. */
interface Operation {
  readonly packed: Packable
  readonly bytes: number
}

/** What came of it, by the store's clock at that time. */
export interface Answer {
  readonly nowMs: number
  readonly value: Unpacked
}

type Outcome =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly error: unknown }

/** What the commits of a store have cost. */
export class CommitCounters {
  readonly sizes: HistogramCounter = new HistogramCounter(SIZE_BOUNDS)
  readonly durationsMs: HistogramCounter = new HistogramCounter(DURATION_BOUNDS_MS)

  read(): CommitStat {
    return {
      operations: this.sizes.read(),
      durationMs: this.durationsMs.read(),
      fsyncMs: new HistogramCounter(DURATION_BOUNDS_MS).read(),
    }
  }
}

export interface SpaceOptions {
  readonly server: Server
  readonly counters: CommitCounters
  /** What all its keys begin with. */
  readonly prefix: string
  /** Its numbers are this, and every `step` from there. */
  readonly index: number
  readonly step: number
  /** The store's clock: what is added to the server's, or what stands in its place. */
  readonly clock: () => string
  /** The highest number that any space of the store has given: what comes later is to have a higher one. */
  readonly numbers: { seen: number }
  readonly channel: string
  /** Called with the destinations that a commit has made work for. */
  readonly onWork: (destinations: readonly string[]) => void
}

/**
 * What one script can reach: keys with one prefix, numbers of one row, one group commit. One server is one space; in a
 * cluster each source has its own.
 */
export class Space {
  readonly prefix: string
  readonly index: number
  readonly #options: SpaceOptions
  readonly #commit: GroupCommit<Operation, Outcome>

  constructor(options: SpaceOptions) {
    this.#options = options
    this.prefix = options.prefix
    this.index = options.index
    this.#commit = new GroupCommit((operations) => this.#commitAll(operations), MOST_OPERATIONS * 16)
  }

  /** Puts an operation into the next commit. */
  async add(packed: Packable, bytes: number): Promise<Answer> {
    const outcome = await this.#commit.add({ packed, bytes })
    if (!outcome.ok) throw outcome.error
    return outcome.answer
  }

  /** Carries out one operation by itself. */
  async alone(packed: Packable): Promise<Answer> {
    const [outcome] = await this.#call([{ packed, bytes: 1000 }])
    if (outcome === undefined || !outcome.ok) throw outcome?.error
    return outcome.answer
  }

  /** Reads, beside the commits. */
  async read(packed: Packable): Promise<Answer> {
    const { server, step } = this.#options
    const args = [this.prefix, String(step), String(this.index), pack(packed)]
    const reply = await server.run(READ_SCRIPT, `${this.prefix}events`, () => args)
    // Packed by lua/read.ts.
    const [nowMs, value] = unpack(reply) as readonly [number, Unpacked]
    return { nowMs, value }
  }

  /** Fulfils when nothing waits any more. */
  idle(): Promise<void> {
    return this.#commit.idle()
  }

  async #commitAll(operations: readonly Operation[]): Promise<readonly Outcome[]> {
    const startedMs = performance.now()
    const outcomes = (await Promise.all(slicesOf(operations).map((slice) => this.#call(slice)))).flat()
    this.#options.counters.sizes.add(operations.length)
    this.#options.counters.durationsMs.add(performance.now() - startedMs)
    return outcomes
  }

  /** With the server's memory full: what would need more is refused, and the rest is done. */
  async #callInFull(operations: readonly Operation[], error: unknown): Promise<readonly Outcome[]> {
    const rest = operations.filter((operation) => !grows(operation))
    const done = rest.length === 0 ? [] : await this.#call(rest, 'full')
    const outcomes = new Map(rest.map((operation, index) => [operation, done[index]]))
    return operations.map((operation) => outcomes.get(operation) ?? { ok: false, error })
  }

  async #call(
    operations: readonly Operation[],
    memory: 'ample' | 'full' = 'ample',
  ): Promise<readonly Outcome[]> {
    const { server, step, clock, numbers, channel, onWork } = this.#options
    const bytes = operations.reduce((sum, operation) => sum + operation.bytes, 64)
    const packed = pack(
      operations.map((operation) => operation.packed),
      bytes,
    )
    try {
      const reply = await server.run(COMMIT_SCRIPT, `${this.prefix}events`, (call) => [
        this.prefix,
        server.id,
        String(call),
        clock(),
        String(step),
        String(this.index),
        String(numbers.seen),
        channel,
        packed,
        memory,
      ])
      // Packed by lua/commit.ts.
      const [nowMs, values, woken, lastSeq] = unpack(reply) as CommitReply
      numbers.seen = Math.max(numbers.seen, lastSeq)
      if (woken.length > 0) onWork(woken.map(String))
      return values.map((value) => ({ ok: true, answer: { nowMs, value } }))
    } catch (error) {
      if (memory === 'ample' && isFull(error)) return this.#callInFull(operations, error)
      return operations.map(() => ({ ok: false, error }))
    }
  }
}

/** What takes more memory than it frees. */
const GROWING: ReadonlySet<Packable | undefined> = new Set(['put', 'replay', 'record', 'remain', 'enrol'])

function grows({ packed }: Operation): boolean {
  return Array.isArray(packed) && GROWING.has(packed[0] as Packable)
}

/** Redis says so before the first write of a script, and then nothing of it was done. */
function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.includes('OOM command not allowed')
}

type CommitReply = readonly [
  nowMs: number,
  values: readonly Unpacked[],
  woken: readonly Buffer[],
  lastSeq: number,
]

function slicesOf(operations: readonly Operation[]): Operation[][] {
  const slices: Operation[][] = []
  let bytes = Infinity
  for (const operation of operations) {
    const last = slices.at(-1)
    bytes += operation.bytes
    if (last !== undefined && bytes <= MOST_BYTES && last.length < MOST_OPERATIONS) last.push(operation)
    else {
      slices.push([operation])
      bytes = operation.bytes
    }
  }
  return slices
}
