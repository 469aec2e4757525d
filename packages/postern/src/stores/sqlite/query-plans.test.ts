import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { NewEvent } from '../../inbox/index.ts'
import { loadDriver, type Database, type DatabaseModule, type SqliteValue } from './database.ts'
import { chooseDriver } from './driver.ts'
import { Engine } from './engine.ts'
import type { Operation, ResultOf, Verb } from './operation.ts'
import { read } from './reads.ts'
import { anEvent as aNewEvent } from '../../testing/store-contract/fixtures.ts'

/** What may be read whole: what the statement itself brings, entries that are few by their nature, and an index that holds only what is wanted. */
const SCANS: ReadonlySet<string> = new Set([
  'SCAN CONSTANT ROW',
  'SCAN brought',
  'SCAN sqlite_sequence',
  'SCAN dedupe_state',
  'SCAN dedupe_generation',
  'SCAN state',
  'SCAN lane USING INDEX lane_idle',
  // One row for each destination that has any work.
  'SCAN named',
])

/** All but the rows that a statement itself brings. */
const GROWS = /^SCAN (?!\d+-ROW VALUES CLAUSE$)|TEMP B-TREE/

/** The statements whose cost would grow with what waits or is done, and the index that prevents it. */
const INDEXES: readonly { readonly of: string; readonly text: RegExp; readonly index: string }[] = [
  { of: 'ended leases', text: /lease_until_ms AS atMs/, index: 'delivery_leased' },
  { of: 'what is due', text: /SELECT seq, due_ms AS atMs/, index: 'delivery_pending' },
  { of: 'heads of lanes', text: /FROM lane CROSS JOIN delivery AS head/, index: 'lane_due' },
  { of: 'when a delivery is due', text: /AS due,/, index: 'delivery_pending' },
  { of: 'when a lease ends', text: /AS ended,/, index: 'delivery_leased' },
  { of: 'when a lane is due', text: /AS laneDue/, index: 'lane_due' },
  { of: 'destinations with work', text: /WITH RECURSIVE named[^]*'pending'/, index: 'delivery_pending' },
  { of: 'destinations with leases', text: /WITH RECURSIVE named[^]*'leased'/, index: 'delivery_leased' },
  { of: 'destinations with lanes', text: /WITH RECURSIVE named[^]*FROM lane/, index: 'lane_due' },
  { of: 'the next of a lane', text: /WHERE open_lane = \? ORDER BY seq/, index: 'delivery_open' },
  { of: 'a lane by its name', text: /FROM lane WHERE destination = \? AND tenant/, index: 'autoindex_lane' },
  { of: 'lanes to forget', text: /DELETE FROM lane/, index: 'lane_idle' },
  { of: 'what is dead in a lane', text: /DELETE FROM lane/, index: 'delivery_lane_dead' },
  { of: 'events to delete', text: /SELECT seq FROM event WHERE received_ms/, index: 'event_by_age' },
  { of: 'deliveries of an event', text: /FROM delivery WHERE event_seq = \?/, index: 'delivery_of' },
]

const plans = plansOf()

describe('the plan of each statement that a commit runs', () => {
  test('reads no table or index as a whole, and sorts nothing', () => {
    const steps = plans.flatMap(({ text, plan }) => plan.map((step) => ({ text, step })))
    const grown = steps.filter(({ step }) => GROWS.test(step) && !SCANS.has(step))
    expect(grown).toEqual([])
  })

  test.each(INDEXES)('finds $of by $index', ({ text, index }) => {
    const found = plans.filter((plan) => text.test(plan.text))
    expect(found).not.toEqual([])
    for (const { plan } of found) expect(plan.join('\n')).toContain(index)
  })
})

test('the dead of a destination are gone through from the oldest on by their index, and nothing is sorted', () => {
  const [listing, ...others] = listening((engine, texts, database) => {
    texts.clear()
    const query = { of: 'deliveries', state: 'dead', destination: 'handlers', limit: 500 } as const
    read(engine.connection, { verb: 'list', query: { ...query, after: 7, before: 1201 } })
    return [...texts].map((text) => planOf(database, text, [1201, 7, 'dead', 'handlers', 501]))
  })
  expect(others).toEqual([])
  expect(listing).toEqual([
    'SEARCH delivery USING INDEX delivery_dead (destination=? AND seq>? AND seq<?)',
    'SEARCH event USING INTEGER PRIMARY KEY (rowid=?)',
  ])
})

/** Every statement that the verbs of one commit prepare, with its plan. */
function plansOf(): { readonly text: string; readonly plan: readonly string[] }[] {
  return listening((engine, texts, database) => {
    runEveryVerb(engine)
    return [...texts]
      .filter((text) => /^\s*(SELECT|WITH|INSERT|UPDATE|DELETE)/.test(text))
      .map((text) => ({ text, plan: planOf(database, text) }))
  })
}

/** What comes of an engine on a file of its own, and of the statements that it has prepared by then. */
function listening<Found>(
  use: (engine: Engine, texts: Set<string>, database: Database | undefined) => Found,
): Found {
  const folder = mkdtempSync(join(tmpdir(), 'postern-plans-'))
  const driver = chooseDriver()
  const { DatabaseSync } = loadDriver(driver, createRequire(import.meta.url))
  const texts = new Set<string>()
  const opened: Database[] = []
  class Listening extends DatabaseSync {
    constructor(path: string) {
      super(path)
      opened.push(this)
    }

    override prepare(text: string): ReturnType<Database['prepare']> {
      texts.add(text)
      return super.prepare(text)
    }
  }
  const module: DatabaseModule = { DatabaseSync: Listening }
  const options = {
    path: join(folder, 'postern.db'),
    driver,
    role: 'writer',
    autoCheckpointPages: 1000,
  } as const
  const engine = new Engine(options, () => module)
  try {
    return use(engine, texts, opened[0])
  } finally {
    engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** An index of some rows alone is used where the values that are given say that they are among them. */
function planOf(
  database: Database | undefined,
  text: string,
  values: readonly SqliteValue[] = [],
): readonly string[] {
  const rows = (database?.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values) ?? []) as { detail: string }[]
  return rows.map(({ detail }) => detail)
}

/** What the verbs do, with and without order. */
function runEveryVerb(engine: Engine): void {
  const nowMs = 1000
  const run = <V extends Verb>(operation: Extract<Operation, { readonly verb: V }>): ResultOf[V] => {
    const [result] = engine.commit([operation])
    if (!result?.ok) throw new Error(`${operation.verb}: ${result?.error}`)
    // The engine answers each verb with its own result.
    return result.value as ResultOf[V]
  }
  const claim = (): ResultOf['claim'] =>
    run({ verb: 'claim', destinations: [{ name: 'handlers', limit: 2 }], leaseMs: 10, keepMs: 0, nowMs })
  const taken = { orderingKey: 'cart 8', lease: { destination: 'handlers', leaseMs: 10 } }
  run({ verb: 'put', nowMs, events: [anEvent('1'), anEvent('2'), anEvent('5', taken)] })
  run({ verb: 'put', nowMs, events: [anEvent('5', taken)] })
  run({
    verb: 'put',
    nowMs,
    events: [anEvent('3', { onDead: 'continue' }), anEvent('4', { onDead: undefined })],
  })
  for (const kind of ['dead', 'succeeded', 'retry'] as const) {
    const outcome = { kind, error: 'no', afterMs: 10 } as const
    const settlements = claim().claimed.map((lost) => ({ ...lost, outcome, durationMs: 1 }))
    run({ verb: 'extend', leases: settlements, leaseMs: 10, nowMs })
    run({ verb: 'settle', settlements, nowMs })
  }
  for (const to of ['redrive', 'discard', 'cancel'] as const) {
    run({ verb: 'move', moves: [1, 2, 3, 4].map((deliverySeq) => ({ deliverySeq, to })), nowMs })
  }
  run({ verb: 'replay', replays: [{ eventSeq: 1, destinations: ['handlers'] }], nowMs })
  claim()
  claim()
  const many = Array.from({ length: 1000 }, (_, index) => ({ name: `named-${index}`, limit: 1 }))
  run({ verb: 'claim', destinations: many, leaseMs: 10, keepMs: 0, nowMs })
  run({ verb: 'prune', request: { eventsOlderThanMs: -1, limit: 10 }, nowMs })
}

function anEvent(id: string, change: Partial<NewEvent> = {}): NewEvent {
  return aNewEvent({
    id,
    orderingKey: 'cart 7',
    onDead: 'block',
    body: Buffer.from(id),
    dedupeWindowMs: 1000,
    ...change,
  })
}
