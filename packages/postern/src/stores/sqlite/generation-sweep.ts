import type { Database, Statement } from './database.ts'

/** Rows that are looked at for each that may be deleted: where few have expired, a call still ends soon. */
const ROWS_PER_LIMIT = 16

export interface SweepRequest {
  readonly limit: number
  readonly nowMs: number
  /** The generation that keys are still written to. */
  readonly open: number
}

export interface SweepResult {
  readonly forgotten: number
  /** Generations that went with their last key. */
  readonly emptied: readonly number[]
}

/**
 * Deletes expired keys, going through the generations from where the last call ended. Each generation says when the
 * first of its keys expires, so that those with nothing to delete are passed over; an index by expiry would cost every
 * key a write.
 */
export class GenerationSweep {
  readonly #next: Statement
  readonly #rows: Statement
  readonly #remove: Statement
  readonly #setSoonest: Statement
  readonly #removeGeneration: readonly Statement[]
  #place: Place | undefined
  #doneThrough = 0

  constructor(database: Database) {
    this.#next = database.prepare(
      'SELECT min(generation) AS generation FROM dedupe_generation WHERE generation > ? AND soonest_expires_ms <= ?',
    )
    this.#rows = database.prepare(
      'SELECT key, expires_ms AS expiresMs FROM dedupe WHERE generation = ? AND key > ? ORDER BY key LIMIT ?',
    )
    this.#remove = database.prepare('DELETE FROM dedupe WHERE generation = ? AND key = ?')
    this.#setSoonest = database.prepare(
      'UPDATE dedupe_generation SET soonest_expires_ms = ? WHERE generation = ?',
    )
    this.#removeGeneration = [
      database.prepare('DELETE FROM dedupe_filter WHERE generation = ?'),
      database.prepare('DELETE FROM dedupe_generation WHERE generation = ?'),
    ]
  }

  /** Stops at `limit` keys, at the end of the newest generation, or where it has looked at 16 times as many rows. */
  forgetExpired({ limit, nowMs, open }: SweepRequest): SweepResult {
    let forgotten = 0
    let rowsLeft = limit * ROWS_PER_LIMIT
    const emptied: number[] = []
    while (forgotten < limit && rowsLeft > 0) {
      const place = (this.#place ??= this.#nextPlace(nowMs, open))
      if (place === undefined) break
      // No more at a time than it may delete: where all have expired, reading 16 times as many would be most of the work.
      const count = Math.min(limit, rowsLeft)
      const rows = this.#rowsFrom(place, count)
      const looked = this.#removeExpired(place, rows, { limit: limit - forgotten, nowMs })
      forgotten += looked.forgotten
      // One more for a generation without rows, so that many of them end the call as well.
      const isAtEnd = looked.rows === rows.length && rows.length < count
      rowsLeft -= looked.rows + 1
      if (isAtEnd && this.#finish(place)) emptied.push(place.generation)
    }
    return { forgotten, emptied }
  }

  /** What was deleted is there again. */
  startAgain(): void {
    this.#place = undefined
    this.#doneThrough = 0
  }

  #nextPlace(nowMs: number, open: number): Place | undefined {
    // An aggregate answers one row.
    const { generation } = this.#next.get(this.#doneThrough, nowMs) as { generation: number | null }
    if (generation !== null) {
      return { generation, isSealed: generation !== open, after: new Uint8Array(), soonestMs: Infinity }
    }
    this.#doneThrough = 0
    return undefined
  }

  #rowsFrom({ generation, after }: Place, count: number): KeyRow[] {
    // The columns that the statement names.
    return this.#rows.all(generation, after, count) as KeyRow[]
  }

  #removeExpired(
    place: Place,
    rows: readonly KeyRow[],
    { limit, nowMs }: { readonly limit: number; readonly nowMs: number },
  ): { readonly forgotten: number; readonly rows: number } {
    let forgotten = 0
    let looked = 0
    for (const { key, expiresMs } of rows) {
      if (expiresMs <= nowMs) {
        if (forgotten === limit) break
        this.#remove.run(place.generation, key)
        forgotten += 1
      } else {
        place.soonestMs = Math.min(place.soonestMs, expiresMs)
      }
      place.after = key
      looked += 1
    }
    return { forgotten, rows: looked }
  }

  /** Whether the generation is gone. */
  #finish({ generation, isSealed, soonestMs }: Place): boolean {
    this.#place = undefined
    this.#doneThrough = generation
    if (!isSealed) return false
    if (soonestMs < Infinity) {
      this.#setSoonest.run(soonestMs, generation)
      return false
    }
    for (const statement of this.#removeGeneration) statement.run(generation)
    return true
  }
}

/** How far a generation has been gone through. */
interface Place {
  readonly generation: number
  /** At its beginning. While a generation is open, keys come behind the sweep, which then knows nothing of it as a whole. */
  readonly isSealed: boolean
  after: Uint8Array
  /** When the first of the keys that stay expires. */
  soonestMs: number
}

interface KeyRow {
  readonly key: Uint8Array
  readonly expiresMs: number
}
