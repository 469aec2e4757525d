import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fingerprintOf, type NewEvent } from '../../inbox/index.ts'
import type { PutRow } from './operation.ts'
import { Connection } from './connection.ts'
import { loadDriver, type Database } from './database.ts'
import { DedupeIndex, type DedupeSizes } from './dedupe-index.ts'
import { chooseDriver } from './driver.ts'
import { put } from './put.ts'
import { MIGRATIONS } from './schema.ts'
import { prune } from './writes.ts'

const SIZES: DedupeSizes = { runKeys: 4, keysPerCommit: 2, generationKeys: 8 }
const WINDOW_MS = 1000
const START_MS = 1_750_000_000_000
const driver = loadDriver(chooseDriver(), createRequire(import.meta.url))

let folder: string
let files = 0
const opened = new Set<Process>()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-dedupe-'))
})
afterEach(() => {
  for (const each of opened) each.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('dedupe keys in generations', () => {
  test('are found in whichever generation they are, at every step and after a restart at it', () => {
    const path = aFile()
    const writer = new Process(path)
    for (let id = 0; id < 60; id += 1) {
      expect(writer.put([id])).toEqual([stored(id + 1)])
      for (const reader of [writer, new Process(path)]) {
        expect(reader.seqsOf(range(id + 2))).toEqual([...range(id + 1).map((each) => each + 1), undefined])
        if (reader !== writer) reader.close()
      }
    }
    expect(writer.generations().length).toBeGreaterThan(4)
    expect(writer.rows('dedupe')).toBe(writer.keysOf(writer.mergedThrough()))
  })

  test('are taken into the table as fast as large commits bring them', () => {
    const writer = new Process(aFile())
    for (let from = 0; from < 1000; from += 100) writer.put(range(100).map((index) => from + index))
    expect(writer.rows('dedupe')).toBeGreaterThanOrEqual(800)
  })

  test('survive a rollback at any step of a run and of the sealing', () => {
    for (let before = 0; before < 24; before += 1) {
      const path = aFile()
      const writer = new Process(path)
      for (let id = 0; id < before; id += 1) writer.put([id])
      writer.put([before, before + 1], { isRolledBack: true })
      expect(writer.seqsOf([before])).toEqual([undefined])
      for (let id = before; id < before + 24; id += 1) expect(writer.put([id])).toEqual([stored(id + 1)])
      const expected = range(before + 24).map((each) => each + 1)
      expect(writer.seqsOf(range(before + 24))).toEqual(expected)
      expect(new Process(path).seqsOf(range(before + 24))).toEqual(expected)
      closeAll()
    }
  })

  test('are recorded once by two processes that take turns in any order across generations', () => {
    // Runs of several commits, each of which seals its generation.
    const sizes = { runKeys: 6, keysPerCommit: 1, generationKeys: 6 }
    for (let order = 0; order < 2 ** 8; order += 1) {
      const path = aFile()
      const pair = [new Process(path, sizes), new Process(path, sizes)]
      pair[0]?.putMany(range(4))
      for (let turn = 0; turn < 8; turn += 1) pair[(order >> turn) & 1]?.put([4 + turn])
      const seen = [...pair, new Process(path, sizes)].map((each) => each.seqsOf(range(12)))
      const expected = range(12).map((id) => id + 1)
      expect({ order, seen }).toEqual({ order, seen: [expected, expected, expected] })
      closeAll()
    }
  })

  test('outlive their events', () => {
    const path = aFile()
    const writer = new Process(path)
    for (let id = 0; id < 30; id += 1) {
      writer.put([id])
      expect(writer.prune({ eventsOlderThanMs: -1 }).events).toBe(1)
      expect(writer.seqsOf(range(id + 1))).toEqual(range(id + 1).map((each) => each + 1))
    }
    expect(writer.rows('event')).toBe(0)
    expect(new Process(path).seqsOf(range(30))).toEqual(range(30).map((id) => id + 1))
  })

  test('that come again after their window are known by the newest record', () => {
    const path = aFile()
    const writer = new Process(path)
    writer.putMany(range(20))
    writer.advance(WINDOW_MS)
    expect(writer.put([3])).toEqual([stored(21)])
    writer.putMany(range(40).slice(20))
    expect(writer.seqsOf([3, 4])).toEqual([21, undefined])
    const later = new Process(path)
    later.advance(WINDOW_MS)
    expect(later.seqsOf([3, 4])).toEqual([21, undefined])
  })

  test('are found after the size of a generation has changed, which makes the stored filters useless', () => {
    const path = aFile()
    new Process(path).putMany(range(40))
    closeAll()
    const changed = new Process(path, { ...SIZES, generationKeys: 16 })
    changed.putMany(range(80).slice(40))
    expect(changed.seqsOf(range(80))).toEqual(range(80).map((id) => id + 1))
    closeAll()
    expect(new Process(path).seqsOf(range(80))).toEqual(range(80).map((id) => id + 1))
  })
})

describe('the table of keys', () => {
  test('is hardly ever asked about a new id, however many generations there are', () => {
    const writer = new Process(aFile(), { runKeys: 32, keysPerCommit: 16, generationKeys: 256 })
    for (let from = 0; from < 4000; from += 20) writer.put(range(20).map((index) => from + index))
    const generations = writer.generations().length
    expect(generations).toBeGreaterThan(15)
    const before = writer.tableReads
    writer.seqsOf(range(4300).slice(4000))
    // 16 bits a key let 6 in 10,000 pass a filter, and a few more where a run has made its generation too large.
    expect(writer.tableReads - before).toBeLessThan(writer.keysOf(300) * generations * 0.005)
  })

  test('is asked once about an old one, and not at all once that is forgotten', () => {
    const path = aFile()
    const [writer, other] = [new Process(path), new Process(path)]
    writer.putMany(range(60))
    other.seqsOf([])
    for (const each of [writer, other]) {
      const before = each.tableReads
      expect(each.seqsOf([1, 2, 4])).toEqual([2, 3, 5])
      expect(each.tableReads - before).toBeGreaterThanOrEqual(3)
      each.advance(WINDOW_MS)
    }
    while (writer.prune({}).dedupeRecords > 0);
    for (const each of [writer, other]) {
      each.seqsOf([])
      const before = each.tableReads
      expect(each.seqsOf([1, 2, 4])).toEqual([undefined, undefined, undefined])
      expect(each.tableReads - before).toBe(0)
    }
  })

  test('gets no key again that another process has put into it', () => {
    const path = aFile()
    const [one, other] = [new Process(path), new Process(path)]
    for (const id of range(40)) {
      one.put([id])
      other.seqsOf([])
    }
    const keys = one.keysOf(one.mergedThrough())
    expect(one.rows('dedupe')).toBe(keys)
    other.putMany(range(60).slice(40))
    expect(one.rows('dedupe')).toBe(one.keysOf(one.mergedThrough()))
  })
})

describe('forgetting', () => {
  test('deletes at most so many keys in a call, and generations with their last key', () => {
    const writer = new Process(aFile())
    writer.putMany(range(60))
    const before = writer.keysOf(60)
    writer.advance(WINDOW_MS)
    let forgotten = 0
    for (let calls = 0; forgotten < before; calls += 1) {
      const { dedupeRecords } = writer.prune({ limit: 7 })
      expect(dedupeRecords).toBeLessThanOrEqual(7)
      expect(calls).toBeLessThan(before)
      forgotten += dedupeRecords
    }
    expect(forgotten).toBe(before)
    // The last call may have stopped before the end of the generation that it emptied.
    expect(writer.prune({ limit: 7 }).dedupeRecords).toBe(0)
    expect(writer.rows('dedupe')).toBe(0)
    expect(writer.generations()).toHaveLength(1)
  })

  test('deletes in the end what a call that was rolled back had deleted', () => {
    const writer = new Process(aFile())
    writer.putMany(range(60))
    writer.advance(WINDOW_MS)
    writer.prune({ limit: 20 })
    writer.prune({ limit: 3, isRolledBack: true })
    while (writer.prune({ limit: 20 }).dedupeRecords > 0);
    expect(writer.rows('dedupe')).toBe(0)
  })

  test('leaves the keys whose windows are longer, in the same generation', () => {
    const path = aFile()
    const writer = new Process(path)
    for (const id of range(40)) writer.put([id], { windowMs: id % 2 === 0 ? WINDOW_MS : 10 * WINDOW_MS })
    writer.advance(WINDOW_MS)
    while (writer.prune({ limit: 5 }).dedupeRecords > 0);
    const expected = range(40).map((id) => (id % 2 === 0 ? undefined : id + 1))
    expect(writer.seqsOf(range(40))).toEqual(expected)
    expect(writer.rows('dedupe')).toBeLessThan(writer.keysOf(writer.mergedThrough()))
    const restarted = new Process(path)
    restarted.advance(WINDOW_MS)
    expect(restarted.seqsOf(range(40))).toEqual(expected)
    restarted.advance(9 * WINDOW_MS)
    while (restarted.prune({ limit: 5 }).dedupeRecords > 0);
    expect(restarted.rows('dedupe')).toBe(0)
  })

  test('looks at no row of a generation in which nothing has expired', () => {
    const writer = new Process(aFile())
    writer.putMany(range(60))
    writer.advance(WINDOW_MS - 1)
    writer.database.exec('UPDATE dedupe SET expires_ms = 0 WHERE generation = 1')
    expect(writer.prune({ limit: 100 }).dedupeRecords).toBe(0)
  })

  test('looks at no row of a generation from which all that has expired is gone', () => {
    const writer = new Process(aFile())
    for (const id of range(40)) writer.put([id], { windowMs: id % 2 === 0 ? WINDOW_MS : 10 * WINDOW_MS })
    writer.advance(WINDOW_MS)
    while (writer.prune({ limit: 100 }).dedupeRecords > 0);
    writer.database.exec('UPDATE dedupe SET expires_ms = 0 WHERE generation = 1')
    expect(writer.prune({ limit: 100 }).dedupeRecords).toBe(0)
  })

  test('keeps what comes behind it while it goes through the open generation', () => {
    const writer = new Process(aFile(), { ...SIZES, generationKeys: 40 })
    writer.putMany(range(8))
    writer.advance(WINDOW_MS)
    // Stops in the middle of the open generation, which is then filled and sealed.
    writer.prune({ limit: 1 })
    writer.putMany(range(60).slice(10))
    expect(writer.generations().length).toBeGreaterThan(1)
    while (writer.prune({ limit: 1 }).dedupeRecords > 0);
    expect(writer.seqsOf(range(60).slice(10))).toEqual(range(50).map((index) => index + 9))
  })

  test('is seen by the other process', () => {
    const path = aFile()
    const [one, other] = [new Process(path), new Process(path)]
    one.putMany(range(40))
    expect(other.seqsOf([5])).toEqual([6])
    for (const each of [one, other]) each.advance(WINDOW_MS)
    while (one.prune({ limit: 100 }).dedupeRecords > 0);
    expect(other.put([5])).toEqual([stored(41)])
    expect(one.put([5])).toEqual([{ outcome: 'duplicate', eventSeq: 41, deliveries: [] }])
  })
})

test('the index answers as a plain map does, whatever two processes do with it', () => {
  const ids = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 6 })
  const aStep: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('put'), ids, isRolledBack: fc.boolean() }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('put'), ids, isRolledBack: fc.constant(false) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('prune'),
        eventsOlderThanMs: fc.constantFrom(-1, 300),
        limit: fc.constantFrom(1, 5, 100),
        isRolledBack: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.constantFrom(100, 400, 1000) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart') }) },
  )
  const aHistory = fc.array(fc.tuple(fc.nat(1), aStep), { minLength: 10, maxLength: 60 })
  fc.assert(
    fc.property(aHistory, (history) => {
      new History().run(history)
      closeAll()
    }),
    { numRuns: 300 },
  )
})

type Step =
  | { readonly kind: 'put'; readonly ids: readonly number[]; readonly isRolledBack: boolean }
  | {
      readonly kind: 'prune'
      readonly eventsOlderThanMs: number
      readonly limit: number
      readonly isRolledBack: boolean
    }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'restart' }

/** Two processes on one file, and a map that says what they must answer. */
class History {
  readonly #path = aFile()
  readonly #processes = [new Process(this.#path), new Process(this.#path)]
  readonly #expected = new Map<number, { readonly eventSeq: number; readonly expiresMs: number }>()
  #nowMs = START_MS

  run(history: readonly (readonly [number, Step])[]): void {
    for (const [which, step] of history) this.#take(which, step)
    const ids = range(41)
    const expected = ids.map((id) => this.#seqOf(id))
    for (const each of [...this.#processes, this.#start()]) expect(each.seqsOf(ids)).toEqual(expected)
  }

  #take(which: number, step: Step): void {
    const process = this.#processes[which] as Process
    if (step.kind === 'put') this.#put(process, step.ids, step.isRolledBack)
    if (step.kind === 'prune') process.prune(step)
    if (step.kind === 'advance') {
      this.#nowMs += step.ms
      for (const each of this.#processes) each.advance(step.ms)
    }
    if (step.kind === 'restart') {
      process.close()
      this.#processes[which] = this.#start()
    }
  }

  #put(process: Process, ids: readonly number[], isRolledBack: boolean): void {
    const before = ids.map((id) => this.#seqOf(id))
    const results = process.put(ids, { isRolledBack })
    expect(results.map((result) => (result.outcome === 'duplicate' ? result.eventSeq : undefined))).toEqual(
      before,
    )
    if (isRolledBack) return
    results.forEach((result, index) => {
      if (result.outcome !== 'stored') return
      const entry = { eventSeq: result.eventSeq, expiresMs: this.#nowMs + WINDOW_MS }
      this.#expected.set(ids[index] as number, entry)
    })
  }

  #seqOf(id: number): number | undefined {
    const entry = this.#expected.get(id)
    return entry !== undefined && entry.expiresMs > this.#nowMs ? entry.eventSeq : undefined
  }

  #start(): Process {
    const started = new Process(this.#path)
    started.advance(this.#nowMs - START_MS)
    return started
  }
}

/** One process's connection to a file, with transactions as the engine makes them. */
class Process {
  readonly database: Database
  /** How often a generation was asked for a key. */
  tableReads = 0
  readonly #connection: Connection
  #nowMs = START_MS

  constructor(path: string, sizes = SIZES) {
    this.database = new driver.DatabaseSync(path)
    // What is tested is what transactions see of each other, not what the disk keeps of them.
    this.database.exec('PRAGMA synchronous = OFF')
    this.#connection = new SmallConnection(this.#counted(), sizes)
    opened.add(this)
  }

  put(ids: readonly number[], { isRolledBack = false, windowMs = WINDOW_MS } = {}): PutRow[] {
    const events = ids.map((id) => anEvent(id, windowMs))
    const operation = { verb: 'put', events, nowMs: this.#nowMs } as const
    return this.#transact(() => put(this.#connection, operation), isRolledBack)
  }

  /** Each in a transaction of its own. */
  putMany(ids: readonly number[]): void {
    for (const id of ids) this.put([id])
  }

  prune({ eventsOlderThanMs = 1e9, limit = 100, isRolledBack = false }) {
    const request = { eventsOlderThanMs, limit }
    const operation = { verb: 'prune', request, nowMs: this.#nowMs } as const
    return this.#transact(() => prune(this.#connection, operation), isRolledBack)
  }

  /** The event that each id is remembered by, as both of its keys say. */
  seqsOf(ids: readonly number[]): (number | undefined)[] {
    const { dedupe } = this.#connection
    return this.#transact(
      () =>
        ids.map((id) => {
          const [idSeq, ...rest] = fingerprintOf(anEvent(id, 0)).records.map(
            ({ key }) => dedupe.lookUp(key, this.#nowMs)?.eventSeq,
          )
          for (const seq of rest) if (seq !== idSeq) throw new Error(`${id}: ${idSeq}, but ${seq}`)
          return idSeq
        }),
      true,
    )
  }

  advance(ms: number): void {
    this.#nowMs += ms
  }

  generations(): unknown[] {
    return this.database.prepare('SELECT generation FROM dedupe_generation').all()
  }

  mergedThrough(): number {
    return (this.database.prepare('SELECT through_seq AS seq FROM dedupe_state').get() as { seq: number }).seq
  }

  /** The keys of events from the first to this one. */
  keysOf(seq: number): number {
    return range(seq).reduce((sum, id) => sum + fingerprintOf(anEvent(id, 0)).records.length, 0)
  }

  rows(table: 'dedupe' | 'event'): number {
    return (this.database.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }).count
  }

  close(): void {
    if (opened.delete(this)) this.database.close()
  }

  #transact<T>(work: () => T, isRolledBack: boolean): T {
    const { dedupe, newRows } = this.#connection
    this.database.exec('BEGIN IMMEDIATE')
    newRows.begin()
    dedupe.begin()
    const result = work()
    newRows.write()
    if (!isRolledBack) {
      dedupe.mergeSome()
      this.database.exec('COMMIT')
      dedupe.committed()
    } else {
      // As where the commit itself fails: everything has been done by then.
      if (this.#isMergedBeforeRollback()) dedupe.mergeSome()
      this.database.exec('ROLLBACK')
      dedupe.rolledBack()
    }
    return result
  }

  #counted(): Database {
    const { database } = this
    return {
      exec: (sql) => database.exec(sql),
      close: () => database.close(),
      prepare: (sql) => {
        const statement = database.prepare(sql)
        const isLookUp =
          sql.endsWith('FROM dedupe WHERE generation = ? AND key = ?') && sql.startsWith('SELECT')
        return {
          run: (...params) => statement.run(...params),
          all: (...params) => statement.all(...params),
          setReturnArrays: (returnArrays) => statement.setReturnArrays(returnArrays),
          get: (...params) => {
            if (isLookUp) this.tableReads += 1
            return statement.get(...params)
          },
        }
      },
    }
  }

  #rollbacks = 0

  #isMergedBeforeRollback(): boolean {
    this.#rollbacks += 1
    return this.#rollbacks % 2 === 1
  }
}

class SmallConnection extends Connection {
  readonly #sizes: DedupeSizes
  #small: DedupeIndex | undefined

  constructor(database: Connection['database'], sizes: DedupeSizes) {
    super(database)
    this.#sizes = sizes
  }

  override get dedupe(): DedupeIndex {
    return (this.#small ??= new DedupeIndex(this.database, this.#sizes))
  }
}

/** Every third one has a guard as well. */
function anEvent(id: number, dedupeWindowMs: number): NewEvent {
  return {
    tenant: '',
    source: 'shop',
    id: `evt_${id}`,
    idKind: id % 3 === 0 ? 'unsigned' : 'signed',
    type: 'order.paid',
    createdMs: undefined,
    orderingKey: undefined,
    onDead: undefined,
    verifiedBy: 'postern',
    body: Buffer.from(`body_${id}`),
    headers: [],
    dedupeWindowMs,
    onConflict: 'hold',
    destinations: [],
  }
}

function aFile(): string {
  files += 1
  const path = join(folder, `${files}.db`)
  const database = new driver.DatabaseSync(path)
  database.exec('PRAGMA synchronous = OFF')
  database.exec('PRAGMA journal_mode = WAL')
  for (const migration of MIGRATIONS) database.exec(migration)
  database.close()
  return path
}

function closeAll(): void {
  for (const each of opened) each.close()
}

function stored(eventSeq: number): unknown {
  return expect.objectContaining({ outcome: 'stored', eventSeq })
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}
