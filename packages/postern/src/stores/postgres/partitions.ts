import { PARTITION_EVENTS } from './migrations/tables.ts'
import type { Server, Transaction } from './server.ts'

/** Partitions that are made ahead: a million events each, at the fastest some half a minute. */
const AHEAD = 2
/** Making one waits for long readers, such as a dump, and others wait behind it: not long, and not often. */
const LOCK_TIMEOUT_MS = 200
const RETRY_AFTER_MS = 10_000

/** Makes the partitions that coming events will go to, before any does. */
export class Partitions {
  readonly #server: Server
  readonly #schema: string
  #made = 1
  #underWay: Promise<void> | undefined
  #retryAtMs = 0

  constructor(server: Server, schema: string) {
    this.#server = server
    this.#schema = schema
  }

  /** Told of each number drawn. Never waits, and never fails: a later number tries again. */
  reached(seq: number): void {
    const wanted = Math.floor(seq / PARTITION_EVENTS) + AHEAD
    if (wanted <= this.#made || this.#underWay !== undefined || performance.now() < this.#retryAtMs) return
    this.#underWay = this.#makeUpTo(wanted)
      .catch(() => void (this.#retryAtMs = performance.now() + RETRY_AFTER_MS))
      .finally(() => (this.#underWay = undefined))
  }

  async idle(): Promise<void> {
    await this.#underWay
  }

  /** One after another: those before the first that is needed may be missing where the numbers have jumped. */
  async #makeUpTo(wanted: number): Promise<void> {
    const text = `SELECT ${this.#schema}.make_partition_1($1)`
    for (let number = Math.max(this.#made + 1, wanted - AHEAD); number <= wanted; number += 1) {
      await this.#server.transaction((tx) => tx.rows(text, [number]), { lockTimeoutMs: LOCK_TIMEOUT_MS })
      this.#made = number
    }
  }
}

/** A partition that fills in less is dropped as a whole, and its events are kept up to this much longer. */
const WAIT_MS = 24 * 3_600_000

export interface DroppedPartition {
  readonly events: number
  /** Below this number rows are to be deleted one by one. */
  readonly rowsBelow: number
}

/** Drops the oldest partition where all of it is past its time. Fails by its lock timeout while somebody reads for long. */
export async function dropOldest(
  tx: Transaction,
  {
    schema,
    offsetMs,
    olderThanMs,
  }: { readonly schema: string; readonly offsetMs: number; readonly olderThanMs: number },
): Promise<DroppedPartition> {
  const [row] = await tx.rows<{ events: string; rows_below: string }>(
    `SELECT * FROM ${schema}.drop_partition_1(${schema}.now_1($1) - $2::bigint, $3)`,
    [offsetMs, Math.ceil(olderThanMs), WAIT_MS],
  )
  return { events: Number(row?.events), rowsBelow: Number(row?.rows_below) }
}
