import { describe, expect, inject, test } from 'vitest'
import { createDatabase } from '../support/servers/database.ts'
import { leftOut } from '../support/servers/left-out.ts'
import {
  ask,
  claimAtOnce,
  conflictAtOnce,
  deadlocks,
  handOver,
  openNodes,
  putInOppositeOrders,
  type Nodes,
} from './nodes.ts'

/** A way to find out what goes wrong between nodes; nothing, where all is well. */
interface Trial {
  /** A table whose rows take a while to be written, so that who writes them at once meets for certain. */
  readonly slow: { readonly table: string; readonly rowMs: number }
  readonly run: (nodes: Nodes) => Promise<string[]>
}

const ALL = { stored: 200, failed: 0 }
const TRIALS = {
  keys: {
    slow: { table: 'dedupe', rowMs: 3 },
    run: async ({ stores }) => faultsOf(await putInOppositeOrders(stores, { rounds: 5, inLine: false }), ALL),
  },
  lines: {
    slow: { table: 'lane', rowMs: 3 },
    run: async ({ stores }) => faultsOf(await putInOppositeOrders(stores, { rounds: 5, inLine: true }), ALL),
  },
  conflicts: {
    slow: { table: 'event', rowMs: 20 },
    run: async ({ stores }) => faultsOf(await conflictAtOnce(stores, 10), 0),
  },
  claims: {
    slow: { table: 'delivery', rowMs: 10 },
    run: async ({ stores }) => faultsOf(await claimAtOnce(stores, 5), 0),
  },
  handOver: {
    slow: { table: 'delivery', rowMs: 10 },
    run: async (nodes) => faultsOf(await handOver(nodes, 4), 0),
  },
  lanes: { slow: { table: 'lane', rowMs: 10 }, run: async (nodes) => faultsOf(await handOver(nodes, 4), 0) },
} satisfies Readonly<Record<string, Trial>>

/** One of PostgreSQL's own traps: a function of the store with pieces of its text exchanged. */
interface Mutant {
  readonly name: string
  readonly of: string
  readonly changes: readonly (readonly [text: string, by: string])[]
  readonly trial: Trial
}

const MUTANTS: readonly Mutant[] = [
  {
    name: 'takes the keys of a batch in the order given',
    of: 'put_1',
    changes: [
      ['SELECT DISTINCT ON (key) key, digest, seq', 'SELECT key, digest, seq'],
      ['ORDER BY key, seq', ''],
    ],
    trial: TRIALS.keys,
  },
  {
    name: 'takes the lanes of a batch in the order given',
    of: 'put_1',
    changes: [
      ['SELECT DISTINCT ON (lane) lane, on_deads[number] FROM', 'SELECT lane, on_deads[number] FROM'],
      ['ORDER BY lane\n      ON CONFLICT', 'ON CONFLICT'],
    ],
    trial: TRIALS.lines,
  },
  {
    name: 'leaves keys that are known unlocked',
    of: 'put_1',
    changes: [
      [
        'DO UPDATE SET digest = excluded.digest, event_seq = excluded.event_seq, expires_ms = excluded.expires_ms\n    WHERE old.expires_ms <= now_ms',
        'DO NOTHING',
      ],
    ],
    trial: TRIALS.conflicts,
  },
  {
    name: 'puts into a line without locking it',
    of: 'put_1',
    changes: [['DO UPDATE SET puts = lane.puts + 1', 'DO NOTHING']],
    trial: TRIALS.handOver,
  },
  {
    name: 'settles in a line without locking it',
    of: 'settle_1',
    changes: [
      [
        'lanes := "postern".lock_1(seqs);',
        `lanes := ARRAY(SELECT DISTINCT lane FROM "postern".delivery WHERE seq = ANY (seqs) AND lane IS NOT NULL);`,
      ],
      ['WHERE key = ANY (newest.lanes);', 'WHERE false;'],
    ],
    trial: TRIALS.handOver,
  },
  {
    name: 'settles several lines in any order',
    of: 'settle_1',
    changes: [
      [
        'lanes := "postern".lock_1(seqs);',
        // A while between two of them: two that lock a few lanes at once would seldom meet halfway.
        `lanes := ARRAY(SELECT DISTINCT lane FROM "postern".delivery WHERE seq = ANY (seqs) AND lane IS NOT NULL);
        PERFORM pg_sleep(0.01) FROM (
          SELECT FROM "postern".lane WHERE key = ANY (lanes) ORDER BY random() FOR UPDATE) AS held;`,
      ],
    ],
    trial: TRIALS.lanes,
  },
  {
    name: 'claims what another claims',
    of: 'claim_1',
    changes: [['FOR UPDATE SKIP LOCKED', '']],
    trial: TRIALS.claims,
  },
]

describe.skipIf(leftOut().includes('postgres'))('broken on purpose', () => {
  for (const [name, trial] of Object.entries(TRIALS)) {
    test(`as it is, the trial of ${name} finds nothing`, async () => {
      expect(await faultsWith(undefined, trial)).toEqual([])
    })
  }

  for (const mutant of MUTANTS) {
    test(`a store that ${mutant.name} is found out`, async () => {
      expect(await faultsWith(mutant, mutant.trial)).not.toEqual([])
    })
  }
})

/** Opens nodes on functions so changed, and tries them. */
async function faultsWith(mutant: Mutant | undefined, { slow, run }: Trial): Promise<string[]> {
  const database = await createDatabase(inject('postgresUrl') ?? '')
  try {
    // Shorter than the lock timeout, or circles of waits would end as such.
    await ask(
      database.url,
      `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET deadlock_timeout = '100ms'`,
    )
    const nodes = await openNodes(database.url, 2)
    if (mutant !== undefined) await sabotage(database.url, mutant)
    await ask(database.url, slowed(slow))
    const faults = await run(nodes).catch((error: unknown) => [String(error)])
    await nodes.close()
    const circles = await deadlocks(database.url)
    return circles === 0 ? faults : [...faults, `${circles} deadlocks`]
  } finally {
    await database.drop()
  }
}

function slowed({ table, rowMs }: Trial['slow']): string {
  return `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(${rowMs / 1000}); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON postern.${table} FOR EACH ROW EXECUTE FUNCTION slow()`
}

async function sabotage(url: string, { of, changes }: Mutant): Promise<void> {
  const [row] = await ask<{ definition: string }>(
    url,
    `SELECT pg_get_functiondef('postern.${of}'::regproc) AS definition`,
  )
  const changed = changes.reduce((definition, [text, by]) => {
    if (!definition.includes(text)) throw new Error(`${of} has no ${JSON.stringify(text)}`)
    return definition.replaceAll(text, by)
  }, row!.definition)
  await ask(url, changed)
}

function faultsOf(found: unknown, wanted: unknown): string[] {
  return JSON.stringify(found) === JSON.stringify(wanted) ? [] : [JSON.stringify(found).slice(0, 300)]
}
