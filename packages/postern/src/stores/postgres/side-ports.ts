import { sha256 } from '../../core/crypto.ts'
import type { Reason } from '../../core/index.ts'
import {
  dedupeKey,
  REJECTED_LOG_ROWS,
  rejectedBudget,
  type KeptRequest,
  type RejectedRequest,
  type StateEntry,
} from '../../inbox/index.ts'
import { fromText, toText } from './exact-text.ts'
import { uuidOf } from './put.ts'
import type { Transaction } from './server.ts'

export interface SidePortSettings {
  readonly schema: string
  readonly offsetMs: number
}

/** Keeps a refused request, or counts a copy of it; the oldest of its budget make room. */
export async function record(
  tx: Transaction,
  rejected: RejectedRequest,
  { schema, offsetMs }: SidePortSettings,
): Promise<void> {
  const digest = sha256(rejected.body).toString('hex')
  const budget = rejectedBudget(rejected.reason)
  await tx.rows(
    `INSERT INTO ${schema}.rejected (key, received_ms, source, reason, method, url, headers, body, body_bytes, budget)
     VALUES ($1, ${schema}.now_1($10), $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (key) DO UPDATE SET copies = rejected.copies + 1`,
    [
      uuidOf(dedupeKey('rejected', '', rejected.source, rejected.reason, digest)),
      toText(rejected.source),
      rejected.reason,
      toText(rejected.method),
      toText(rejected.url),
      JSON.stringify(rejected.headers),
      rejected.body,
      rejected.bodyBytes,
      budget,
      offsetMs,
    ],
  )
  await tx.rows(
    `DELETE FROM ${schema}.rejected WHERE seq = ANY (ARRAY(
       SELECT seq FROM ${schema}.rejected WHERE budget = $1 AND seq <=
         (SELECT seq FROM ${schema}.rejected WHERE budget = $1 ORDER BY seq DESC LIMIT 1 OFFSET $2)
       FOR UPDATE SKIP LOCKED))`,
    [budget, REJECTED_LOG_ROWS[budget]],
  )
}

/** The kept requests, newest first. */
export async function recent(
  tx: Transaction,
  limit: number,
  { schema }: SidePortSettings,
): Promise<readonly KeptRequest[]> {
  const rows = await tx.rows<{
    received_ms: string
    source: string
    reason: Reason
    method: string
    url: string
    headers: string
    body: Uint8Array
    body_bytes: string
    copies: string
  }>(`SELECT * FROM ${schema}.rejected ORDER BY seq DESC LIMIT $1`, [limit])
  return rows.map((row) => ({
    receivedMs: Number(row.received_ms),
    source: fromText(row.source),
    reason: row.reason,
    method: fromText(row.method),
    url: fromText(row.url),
    // Written by record from an array of strings.
    headers: JSON.parse(row.headers) as string[],
    body: row.body,
    bodyBytes: Number(row.body_bytes),
    copies: Number(row.copies),
  }))
}

/** Sets an entry of the small state, or forgets it. */
export async function remember(
  tx: Transaction,
  { key, value, forMs }: { readonly key: string; readonly value: string | undefined; readonly forMs: number },
  { schema, offsetMs }: SidePortSettings,
): Promise<void> {
  if (value === undefined) {
    await tx.rows(`DELETE FROM ${schema}.state WHERE key = $1`, [toText(key)])
    return
  }
  await tx.rows(
    `INSERT INTO ${schema}.state (key, value, expires_ms) VALUES ($1, $2, ${schema}.now_1($4) + $3::bigint)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_ms = excluded.expires_ms`,
    [toText(key), toText(value), forMs === Infinity ? null : Math.ceil(forMs), offsetMs],
  )
}

export async function recall(
  tx: Transaction,
  key: string,
  { schema, offsetMs }: SidePortSettings,
): Promise<string | undefined> {
  const [row] = await tx.rows<{ value: string }>(
    `SELECT value FROM ${schema}.state WHERE key = $1 AND ${isCurrent(schema)}`,
    [toText(key), offsetMs],
  )
  return row && fromText(row.value)
}

export async function entries(
  tx: Transaction,
  prefix: string,
  { schema, offsetMs }: SidePortSettings,
): Promise<readonly StateEntry[]> {
  const rows = await tx.rows<StateEntry>(
    `SELECT key, value FROM ${schema}.state WHERE starts_with(key, $1) AND ${isCurrent(schema)} ORDER BY key`,
    [toText(prefix), offsetMs],
  )
  return rows.map(({ key, value }) => ({ key: fromText(key), value: fromText(value) }))
}

/** With the offset as the second parameter. */
function isCurrent(schema: string): string {
  return `(expires_ms IS NULL OR expires_ms > ${schema}.now_1($2))`
}
