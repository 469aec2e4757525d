import type { Database, Statement } from './database.ts'

/** What a key was recorded with. */
export interface DedupeEntry {
  readonly eventSeq: number
  readonly digest: Uint8Array
  readonly expiresMs: number
}

/** Recent keys that are taken into the table at a time. */
const RUN_KEYS = 8192
/** Keys of a run that one commit takes, so that no commit grows by more than a few milliseconds. */
const KEYS_PER_COMMIT = 256

/**
 * Which keys have been seen, with little to write for each.
 *
 * Keys are digests, so each insert into a table of them lands on a page of its own: 1 of the 1.7 pages that an event
 * put into the WAL, and two thirds of a commit's time. The event's own row, appended like a log, already holds its keys
 * durably; so the newest ones are kept in memory, and taken into the table a run at a time in the order of the keys,
 * where neighbours share pages. At the start the rows after `merged_seq` fill the memory again.
 */
export class DedupeIndex {
  readonly #find: Statement
  readonly #insert: Statement
  readonly #dataVersion: Statement
  readonly #database: Database
  /** Keys in memory, oldest first. */
  #recent = new Map<string, DedupeEntry>()
  /** Keys of the transaction under way. */
  readonly #staged = new Map<string, DedupeEntry>()
  #run: MergeRun | undefined
  #loadedSeq = 0
  #seenDataVersion = -1
  #sweepFrom: Uint8Array = new Uint8Array()

  constructor(database: Database) {
    this.#database = database
    this.#find = database.prepare(
      'SELECT event_seq AS eventSeq, digest, expires_ms AS expiresMs FROM dedupe WHERE key = ?',
    )
    this.#insert = database.prepare(
      `INSERT INTO dedupe (key, event_seq, digest, expires_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET event_seq = excluded.event_seq, digest = excluded.digest,
         expires_ms = excluded.expires_ms WHERE excluded.event_seq >= dedupe.event_seq`,
    )
    this.#dataVersion = database.prepare('PRAGMA data_version')
  }

  /** At the start of a transaction: learns what another process has recorded, if one has written since the last. */
  begin(): void {
    // One row with this one column, as the pragma is documented.
    const { data_version: version } = this.#dataVersion.get() as { data_version: number }
    if (version === this.#seenDataVersion) return
    this.#seenDataVersion = version
    this.#load()
  }

  /** The entry of a key whose window is not over. */
  lookUp(key: Uint8Array, nowMs: number): DedupeEntry | undefined {
    const name = nameOf(key)
    const recent = this.#staged.get(name) ?? this.#recent.get(name)
    if (recent !== undefined && recent.expiresMs > nowMs) return recent
    // Also where one in memory is over: it may have been read from the row of an event that outlived a newer one.
    const entry = this.#find.get(key) as DedupeEntry | undefined
    return entry !== undefined && entry.expiresMs > nowMs ? entry : undefined
  }

  /** Remembers a key, in place of one whose window is over. Durable with the event's row. */
  remember(key: Uint8Array, entry: DedupeEntry): void {
    this.#staged.set(nameOf(key), entry)
  }

  /** Takes some recent keys into the table, inside the transaction under way. */
  mergeSome(): void {
    this.#run ??= this.#recent.size >= RUN_KEYS ? this.#startRun() : undefined
    if (this.#run === undefined) return
    const { names, throughSeq } = this.#run
    for (const name of names.splice(0, KEYS_PER_COMMIT)) this.#write(name)
    if (names.length > 0) return
    this.#database.prepare('UPDATE dedupe_merged SET through_seq = max(through_seq, ?)').run(throughSeq)
    this.#run.isWritten = true
  }

  /** The transaction is on stable storage. */
  committed(): void {
    for (const [name, entry] of this.#staged) {
      // Deleted first: a key that comes again after its window belongs at the young end.
      this.#recent.delete(name)
      this.#recent.set(name, entry)
      this.#loadedSeq = Math.max(this.#loadedSeq, entry.eventSeq)
    }
    this.#staged.clear()
    if (this.#run?.isWritten) this.#finishRun(this.#run.throughSeq)
  }

  /** The transaction left nothing: neither its keys nor what it merged. */
  rolledBack(): void {
    this.#staged.clear()
    this.#run = undefined
  }

  /** Puts the keys of events that are about to be deleted into the table: their rows will not hold them any longer. */
  keep(eventSeqs: ReadonlySet<number>, nowMs: number): void {
    if (eventSeqs.size === 0) return
    for (const [name, { eventSeq, expiresMs }] of this.#recent) {
      if (eventSeqs.has(eventSeq) && expiresMs > nowMs) this.#write(name)
    }
  }

  /** Forgets keys whose window is over, at most `limit`, and says how many. */
  forgetExpired(limit: number, nowMs: number): number {
    const remove = this.#database.prepare('DELETE FROM dedupe WHERE key = ? AND expires_ms <= ?')
    let forgotten = 0
    for (const [name, { expiresMs }] of this.#recent) {
      if (forgotten >= limit) return forgotten
      if (expiresMs > nowMs) continue
      this.#recent.delete(name)
      // Kept there as well where its event was deleted before.
      remove.run(Buffer.from(name, 'latin1'), nowMs)
      forgotten += 1
    }
    return forgotten + this.#sweepTable(remove, limit - forgotten, nowMs)
  }

  /** Goes through the table from where the last sweep ended: an index by expiry would cost every event a write. */
  #sweepTable(remove: Statement, limit: number, nowMs: number): number {
    if (limit <= 0) return 0
    const rows = this.#database
      .prepare('SELECT key, expires_ms AS expiresMs FROM dedupe WHERE key > ? ORDER BY key LIMIT ?')
      .all(this.#sweepFrom, limit * 16) as { key: Uint8Array; expiresMs: number }[]
    const expired = rows.filter(({ expiresMs }) => expiresMs <= nowMs).slice(0, limit)
    for (const { key } of expired) remove.run(key, nowMs)
    const reachedEnd = rows.length < limit * 16 && expired.length < limit
    this.#sweepFrom = reachedEnd
      ? new Uint8Array()
      : ((expired.at(-1) ?? rows.at(-1))?.key ?? new Uint8Array())
    return expired.length
  }

  #load(): void {
    const rows = this.#database
      .prepare(
        `SELECT seq AS eventSeq, dedupe_key, guard_key, digest, expires_ms AS expiresMs FROM event
         WHERE seq > max(?, (SELECT through_seq FROM dedupe_merged)) ORDER BY seq`,
      )
      .all(this.#loadedSeq) as (DedupeEntry & { dedupe_key: Uint8Array; guard_key: Uint8Array | null })[]
    for (const { dedupe_key: key, guard_key: guard, eventSeq, digest, expiresMs } of rows) {
      for (const each of guard === null ? [key] : [key, guard]) {
        this.#recent.set(nameOf(each), { eventSeq, digest, expiresMs })
      }
      this.#loadedSeq = eventSeq
    }
  }

  /** The oldest keys in their own order, and the last event that any of them belongs to. */
  #startRun(): MergeRun {
    const names: string[] = []
    let throughSeq = 0
    for (const [name, { eventSeq }] of this.#recent) {
      // Both keys of an event go in one run: `throughSeq` speaks of whole events.
      if (names.length >= RUN_KEYS && eventSeq !== throughSeq) break
      names.push(name)
      throughSeq = Math.max(throughSeq, eventSeq)
    }
    return { names: names.toSorted(), throughSeq, isWritten: false }
  }

  #finishRun(throughSeq: number): void {
    this.#run = undefined
    for (const [name, { eventSeq }] of this.#recent) {
      if (eventSeq > throughSeq) return
      this.#recent.delete(name)
    }
  }

  #write(name: string): void {
    const entry = this.#recent.get(name)
    // Absent where its window was over by then.
    if (entry !== undefined)
      this.#insert.run(Buffer.from(name, 'latin1'), entry.eventSeq, entry.digest, entry.expiresMs)
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
