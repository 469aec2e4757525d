import type { Database, Statement } from './database.ts'
import { Generations, type DedupeEntry, type KeyedEntry } from './generations.ts'

export type { DedupeEntry } from './generations.ts'

/** How many keys go together; other values make tests short. */
export interface DedupeSizes {
  /** Recent keys that make a run: they are taken into the table together. */
  readonly runKeys: number
  /** Keys of a run that a small commit takes, so that none grows by more than a few milliseconds. */
  readonly keysPerCommit: number
  /** Keys of a generation. Full, it has some 1,600 pages, so that 10 keys of a run share one. */
  readonly generationKeys: number
}

const SIZES: DedupeSizes = { runKeys: 16_384, keysPerCommit: 64, generationKeys: 65_536 }

/**
 * Which keys have been seen, with little to write for each.
 *
 * Keys are digests, so each insert into a table of them lands on a page of its own: 1 of the 1.7 pages that an event
 * put into the WAL, and two thirds of a commit's time. The event's own row, appended like a log, already holds its keys
 * durably; so the newest ones are kept in memory, and taken into the table a run at a time in the order of the keys,
 * where neighbours share pages. At the start the rows after `through_seq` fill the memory again.
 */
export class DedupeIndex {
  readonly #sizes: DedupeSizes
  readonly #database: Database
  readonly #dataVersion: Statement
  readonly #generations: Generations
  /** Keys in memory, the oldest event's first. */
  readonly #recent = new Map<string, DedupeEntry>()
  /** Keys of the transaction under way. */
  readonly #staged = new Map<string, DedupeEntry>()
  /** Keys that the transaction under way has written ahead of their run. */
  #kept: string[] = []
  #run: MergeRun | undefined
  #loadedSeq = 0
  #seenDataVersion = -1

  constructor(database: Database, sizes: DedupeSizes = SIZES) {
    this.#sizes = sizes
    this.#database = database
    this.#dataVersion = database.prepare('PRAGMA data_version')
    this.#generations = new Generations(database, sizes.generationKeys)
  }

  /** At the start of a transaction: learns what another process has recorded, if one has written since the last. */
  begin(): void {
    // One row with this one column, as the pragma is documented.
    const { data_version: version } = this.#dataVersion.get() as { data_version: number }
    if (version === this.#seenDataVersion) return
    // What this run has written stands in a generation that another process sealed without these keys in its filter.
    if (this.#generations.refresh() === 'rotated') this.#run = undefined
    this.#forgetMerged()
    this.#load()
    this.#seenDataVersion = version
  }

  /** The entry of a key whose window is not over. */
  lookUp(key: Uint8Array, nowMs: number): DedupeEntry | undefined {
    const name = nameOf(key)
    const entry = this.#staged.get(name) ?? this.#recent.get(name)
    if (entry !== undefined && entry.expiresMs > nowMs) return entry
    return this.#generations.find(key, nowMs)
  }

  /** Remembers a key, in place of one whose window is over. Durable with the event's row. */
  remember(key: Uint8Array, entry: DedupeEntry): void {
    this.#staged.set(nameOf(key), entry)
  }

  /** Takes some recent keys into the table, as the transaction under way's last step. */
  mergeSome(): void {
    this.#run ??= this.#recent.size >= this.#sizes.runKeys ? this.#startRun() : undefined
    if (this.#run === undefined) return
    const { names, throughSeq } = this.#run
    // A commit as large as a slow disk makes them brings more keys than a small one's share could ever take away.
    const count = Math.max(this.#sizes.keysPerCommit, 2 * this.#staged.size)
    this.#generations.write(this.#recentEntries(names.splice(0, count)))
    if (names.length > 0) return
    this.#generations.endRun(throughSeq)
    this.#run.isWritten = true
  }

  /** The transaction is on stable storage. */
  committed(): void {
    this.#generations.committed()
    for (const name of this.#kept) this.#recent.delete(name)
    this.#kept = []
    for (const [name, entry] of this.#staged) this.#addRecent(name, entry)
    this.#staged.clear()
    if (this.#run?.isWritten) this.#forgetMerged()
  }

  /** The transaction left nothing: neither its keys nor what it merged. */
  rolledBack(): void {
    this.#generations.rolledBack()
    this.#kept = []
    this.#staged.clear()
    this.#run = undefined
  }

  /** Puts the keys of events that are about to be deleted into the table: their rows will not hold them any longer. */
  keep(eventSeqs: ReadonlySet<number>, nowMs: number): void {
    if (eventSeqs.size === 0) return
    const names = [...this.#recent]
      .filter(([, { eventSeq, expiresMs }]) => eventSeqs.has(eventSeq) && expiresMs > nowMs)
      .map(([name]) => name)
      .toSorted()
    if (names.length === 0) return
    this.#generations.write(this.#recentEntries(names))
    this.#generations.storeFilter()
    this.#kept.push(...names)
  }

  /** Forgets keys whose window is over, at most `limit`, and says how many. */
  forgetExpired(limit: number, nowMs: number): number {
    let forgotten = 0
    for (const [name, { expiresMs }] of this.#recent) {
      if (forgotten >= limit) return forgotten
      if (expiresMs > nowMs) continue
      this.#recent.delete(name)
      forgotten += 1
    }
    return forgotten + this.#generations.forgetExpired(limit - forgotten, nowMs)
  }

  #load(): void {
    const rows = this.#database
      .prepare(
        `SELECT seq AS eventSeq, dedupe_key, guard_key, digest, expires_ms AS expiresMs FROM event
         WHERE seq > ? ORDER BY seq`,
      )
      .all(Math.max(this.#loadedSeq, this.#generations.throughSeq)) as (DedupeEntry & {
      dedupe_key: Uint8Array
      guard_key: Uint8Array | null
    })[]
    for (const { dedupe_key: key, guard_key: guard, eventSeq, digest, expiresMs } of rows) {
      for (const each of guard === null ? [key] : [key, guard]) {
        this.#addRecent(nameOf(each), { eventSeq, digest, expiresMs })
      }
    }
  }

  #addRecent(name: string, entry: DedupeEntry): void {
    // Deleted first: a key that comes again after its window belongs at the young end.
    this.#recent.delete(name)
    this.#recent.set(name, entry)
    this.#loadedSeq = Math.max(this.#loadedSeq, entry.eventSeq)
  }

  /** All that there are by now in their own order, and the last event that any of them belongs to. */
  #startRun(): MergeRun {
    let throughSeq = 0
    for (const { eventSeq } of this.#recent.values()) throughSeq = eventSeq
    return { names: [...this.#recent.keys()].toSorted(), throughSeq, isWritten: false }
  }

  /** Lets go of what is in the table, by this process's own run or by another's. */
  #forgetMerged(): void {
    const { throughSeq } = this.#generations
    if (this.#run !== undefined && this.#run.throughSeq <= throughSeq) this.#run = undefined
    for (const [name, { eventSeq }] of this.#recent) {
      if (eventSeq > throughSeq) return
      this.#recent.delete(name)
    }
  }

  #recentEntries(names: readonly string[]): KeyedEntry[] {
    const entries: KeyedEntry[] = []
    for (const name of names) {
      const entry = this.#recent.get(name)
      // Absent where its window was over by then, or where it was kept ahead of the run.
      if (entry !== undefined) entries.push([Buffer.from(name, 'latin1'), entry])
    }
    return entries
  }
}

interface MergeRun {
  /** What is still to be written. */
  readonly names: string[]
  readonly throughSeq: number
  isWritten: boolean
}

/** A key as a map's key: one character for each byte, which also sorts as the bytes do. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}
