import { fromText, type DestinationStat, type StoreStat } from '../../inbox/index.ts'
import { numberOf } from './event-row.ts'
import type { Transaction } from './server.ts'

/** Up to here events are counted. Counting a million takes some 100 ms, and nobody needs to know them to the last. */
const MOST_COUNTED = 10_000

/** Counts of what is not finished, by destination; and of the events, which are estimated where they are many. */
export async function stat(
  tx: Transaction,
  schema: string,
  offsetMs: number,
): Promise<Omit<StoreStat, 'commits'>> {
  const rows = await tx.rows<StatRow>(
    `SELECT destination, count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'leased') AS leased,
            count(*) FILTER (WHERE state = 'dead') AS dead,
            count(*) FILTER (WHERE state = 'dead' AND open_lane IS NOT NULL AND ${isHead(schema)}) AS blocked_keys,
            ${schema}.now_1($1) - min(made_ms) FILTER (WHERE state = 'pending') AS oldest_ms
     FROM ${schema}.delivery GROUP BY destination`,
    [offsetMs],
  )
  return { events: await eventCount(tx, schema), destinations: rows.map(toStat) }
}

/** First of its line, and nothing of it runs: an operator may have put another before it. */
function isHead(schema: string): string {
  return `NOT EXISTS (SELECT 1 FROM ${schema}.delivery AS other WHERE other.open_lane = delivery.open_lane
            AND (other.seq < delivery.seq OR other.state = 'leased'))`
}

/** Beyond what is counted, as the planner estimates it: rows for each page at the last look, times the pages there are now. */
async function eventCount(tx: Transaction, schema: string): Promise<number> {
  const [counted] = await tx.rows<{ events: string }>(
    `SELECT count(*) AS events FROM (SELECT 1 FROM ${schema}.event LIMIT ${MOST_COUNTED + 1}) AS first`,
  )
  const events = Number(counted?.events)
  if (events <= MOST_COUNTED) return events
  const [estimated] = await tx.rows<{
    'QUERY PLAN': readonly [{ readonly Plan: { readonly 'Plan Rows': number } }]
  }>(`EXPLAIN (FORMAT JSON) SELECT FROM ${schema}.event`)
  return Math.max(events, estimated?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0)
}

interface StatRow {
  readonly destination: string
  readonly pending: string
  readonly leased: string
  readonly dead: string
  readonly blocked_keys: string
  readonly oldest_ms: string | null
}

function toStat(row: StatRow): DestinationStat {
  return {
    name: fromText(row.destination),
    pending: Number(row.pending),
    leased: Number(row.leased),
    dead: Number(row.dead),
    blockedKeys: Number(row.blocked_keys),
    oldestPendingMs: numberOf(row.oldest_ms),
  }
}
