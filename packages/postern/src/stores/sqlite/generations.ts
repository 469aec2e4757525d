import { batchesOf, places } from './batches.ts'
import type { Database, SqliteValue, Statement } from './database.ts'
import { FilterSlices } from './filter-slices.ts'
import { GenerationSweep } from './generation-sweep.ts'
import { filterBits, fittingBytes, KeyFilter } from './key-filter.ts'

/** What a key was recorded with. */
export interface DedupeEntry {
  readonly eventSeq: number
  readonly digest: Uint8Array
  readonly expiresMs: number
}

export type KeyedEntry = readonly [key: Uint8Array, entry: DedupeEntry]

/**
 * The table of dedupe keys, in generations by time: a key is written among those of its own time only, some thousand
 * pages that are in memory anyway, and the millions that came before are never touched again until they expire.
 *
 * Each generation has a filter, so that a new id costs no look at the older ones. Rotation, as everything here, is part
 * of a transaction that began with a write lock: no put of any process can fall between two generations.
 *
 * What a filter must hold is every key of its generation but those whose events come after `throughSeq`: they are in
 * the memory of each process. So it is stored at the end of a run, and not with each key.
 */
export class Generations {
  readonly #generationKeys: number
  readonly #sealed: FilterSlices
  readonly #statements: Statements
  readonly #sweep: GenerationSweep
  #open = 0
  #openFilter: KeyFilter
  #throughSeq = 0
  #seenChanges = -1
  /** What the transaction under way has changed, to be believed once it is committed. */
  #staged: StagedChanges = NOTHING_STAGED

  /** @param generationKeys A generation is sealed at the end of the run in which it reaches so many. */
  constructor(database: Database, generationKeys: number) {
    this.#generationKeys = generationKeys
    const bits = filterBits(generationKeys)
    this.#sealed = new FilterSlices(bits)
    this.#openFilter = new KeyFilter(bits)
    this.#statements = prepareStatements(database)
    this.#sweep = new GenerationSweep(database)
  }

  /** The keys of events up to this one are in the table. */
  get throughSeq(): number {
    return this.#throughSeq
  }

  /** Learns what another process has changed, inside a transaction and before anything is asked or written in it. */
  refresh(): 'rotated' | 'same' {
    // The table has one row, made with it.
    const { changes, throughSeq } = this.#statements.state.get() as { changes: number; throughSeq: number }
    if (changes === this.#seenChanges) return 'same'
    const generations = (this.#statements.list.all() as { generation: number }[]).map((row) => row.generation)
    const open = generations.at(-1) ?? 0
    const known = new Set(this.#sealed.generations)
    for (const generation of generations) {
      if (generation !== open && !known.delete(generation)) {
        // The stored bytes as they are: a copy of each would be 20 MB of garbage at the start.
        this.#sealed.add(generation, this.#storedFilter(generation))
      }
    }
    // What is left has been deleted with its last key.
    for (const generation of known) this.#sealed.remove(generation)
    const isRotated = open !== this.#open
    if (isRotated) this.#openFilter = this.#emptyFilter()
    this.#openFilter.addStored(this.#storedFilter(open))
    this.#open = open
    this.#throughSeq = throughSeq
    this.#seenChanges = changes
    return isRotated ? 'rotated' : 'same'
  }

  /** The entry of a key whose window is not over. */
  find(key: Uint8Array, nowMs: number): DedupeEntry | undefined {
    const candidates = this.#sealed.candidates(key)
    if (this.#openFilter.has(key)) candidates.unshift(this.#open)
    for (const generation of candidates) {
      // The columns that the statement names, in the types of the table.
      const entry = this.#statements.find.get(generation, key) as DedupeEntry | undefined
      if (entry !== undefined && entry.expiresMs > nowMs) return entry
    }
    return undefined
  }

  /** Writes keys into the open generation, best in their own order. */
  write(entries: readonly KeyedEntry[]): void {
    if (entries.length === 0) return
    let soonestMs = Infinity
    for (const [key, { expiresMs }] of entries) {
      // At once: should this be rolled back, the filter only passes a key that is not there.
      this.#openFilter.add(key)
      soonestMs = Math.min(soonestMs, expiresMs)
    }
    for (const group of batchesOf(entries, GROUP_ROWS)) this.#writeGroup(group)
    this.#statements.count.run(entries.length, soonestMs, this.#open)
  }

  #writeGroup(group: readonly KeyedEntry[]): void {
    if (group.length === GROUP_ROWS) {
      const { changes } = this.#statements.insertGroup.run(this.#open, ...group.flatMap(valuesOf))
      if (Number(changes) === GROUP_ROWS) return
    }
    // Some of them are there already, which few are, or they are too few for the statement.
    for (const entry of group) this.#statements.insert.run(this.#open, ...valuesOf(entry))
  }

  /** Says that the keys of all events up to `throughSeq` are written, and begins a new generation where this one is full. */
  endRun(throughSeq: number): void {
    this.storeFilter()
    this.#statements.endRun.run(throughSeq)
    this.#staged = { ...this.#staged, throughSeq }
    // Made with the generation, and kept as long.
    const { keys } = this.#statements.keys.get(this.#open) as { keys: number }
    if (keys < this.#generationKeys) return
    const begun = this.#open + 1
    this.#statements.begin.run(begun)
    this.#staged = { ...this.#staged, begun }
  }

  /** After keys of events that are about to be deleted: from then on nothing but the filter leads to them. */
  storeFilter(): void {
    this.#statements.storeFilter.run(this.#open, this.#openFilter.bytes)
    this.#changed()
  }

  /** Deletes keys whose window is over, at most `limit`, and says how many. */
  forgetExpired(limit: number, nowMs: number): number {
    const { forgotten, emptied } = this.#sweep.forgetExpired({ limit, nowMs, open: this.#open })
    if (emptied.length > 0) {
      this.#staged = { ...this.#staged, emptied: [...this.#staged.emptied, ...emptied] }
      this.#changed()
    }
    return forgotten
  }

  committed(): void {
    const { changes, throughSeq, begun, emptied } = this.#staged
    for (const generation of emptied) this.#sealed.remove(generation)
    if (begun !== undefined) {
      this.#sealed.add(this.#open, this.#openFilter.bytes)
      this.#open = begun
      this.#openFilter = this.#emptyFilter()
    }
    this.#throughSeq = Math.max(this.#throughSeq, throughSeq)
    this.#seenChanges = changes ?? this.#seenChanges
    this.#staged = NOTHING_STAGED
  }

  rolledBack(): void {
    this.#staged = NOTHING_STAGED
    this.#sweep.startAgain()
  }

  #changed(): void {
    const { changes } = this.#statements.changed.get() as { changes: number }
    this.#staged = { ...this.#staged, changes }
  }

  #storedFilter(generation: number): Uint8Array {
    // None where no key has needed it yet.
    const row = this.#statements.filter.get(generation) as { bits: Uint8Array } | undefined
    return fittingBytes(row?.bits ?? this.#emptyFilter().bytes, filterBits(this.#generationKeys))
  }

  #emptyFilter(): KeyFilter {
    return new KeyFilter(filterBits(this.#generationKeys))
  }
}

interface StagedChanges {
  readonly changes: number | undefined
  readonly throughSeq: number
  /** The generation that is open from now on. */
  readonly begun: number | undefined
  readonly emptied: readonly number[]
}

const NOTHING_STAGED: StagedChanges = { changes: undefined, throughSeq: 0, begun: undefined, emptied: [] }

type Statements = ReturnType<typeof prepareStatements>

function prepareStatements(database: Database) {
  const sql = (text: string): Statement => database.prepare(text)
  return {
    state: sql('SELECT through_seq AS throughSeq, changes FROM dedupe_state'),
    changed: sql('UPDATE dedupe_state SET changes = changes + 1 RETURNING changes'),
    endRun: sql('UPDATE dedupe_state SET through_seq = max(through_seq, ?)'),
    list: sql('SELECT generation FROM dedupe_generation ORDER BY generation'),
    begin: sql('INSERT INTO dedupe_generation (generation) VALUES (?)'),
    keys: sql('SELECT keys FROM dedupe_generation WHERE generation = ?'),
    count: sql(
      `UPDATE dedupe_generation SET keys = keys + ?, soonest_expires_ms = min(soonest_expires_ms, ?) WHERE generation = ?`,
    ),
    filter: sql('SELECT bits FROM dedupe_filter WHERE generation = ?'),
    storeFilter: sql('INSERT OR REPLACE INTO dedupe_filter (generation, bits) VALUES (?, ?)'),
    find: sql(
      'SELECT event_seq AS eventSeq, digest, expires_ms AS expiresMs FROM dedupe WHERE generation = ? AND key = ?',
    ),
    // Never an older event's key in place of a newer one's: its row may have outlived the other's.
    insert: sql(
      `INSERT INTO dedupe (generation, key, event_seq, digest, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT (generation, key) DO UPDATE SET
         event_seq = excluded.event_seq, digest = excluded.digest, expires_ms = excluded.expires_ms
       WHERE excluded.event_seq >= dedupe.event_seq`,
    ),
    insertGroup: sql(INSERT_GROUP),
  }
}

function valuesOf([key, { eventSeq, digest, expiresMs }]: KeyedEntry): SqliteValue[] {
  return [key, eventSeq, digest, expiresMs]
}

/** Keys that one statement writes: 2.1 µs a key, and 3.9 where each has a statement of its own. */
const GROUP_ROWS = 16

/** `OR IGNORE`: without `ON CONFLICT … DO UPDATE` it needs no journal of its own for what one row in many does. */
const INSERT_GROUP = `INSERT OR IGNORE INTO dedupe (generation, key, event_seq, digest, expires_ms)
  VALUES ${Array.from({ length: GROUP_ROWS }, (_, row) => `(?1, ${places(2 + 4 * row, 4)})`).join(', ')}`
