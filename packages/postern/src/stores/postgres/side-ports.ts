import { sha256 } from '../../core/crypto.ts'
import type { Reason } from '../../core/index.ts'
import {
  dedupeKey,
  fromText,
  REJECTED_LOG_ROWS,
  REJECTED_PAGE_BYTES,
  rejectedBudget,
  toOptionalText,
  toText,
  type KeptRequest,
  type RejectedPage,
  type RejectedQuery,
  type RejectedRequest,
  type StateEntry,
} from '../../inbox/index.ts'
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

/** A page of the kept requests. Which rows stand on it is decided by the sizes of their bodies, which are not read for that. */
export async function list(
  tx: Transaction,
  query: RejectedQuery,
  { schema }: SidePortSettings,
): Promise<RejectedPage> {
  const rows = await tx.rows<RejectedRow>(
    `WITH wanted AS (
       SELECT seq, octet_length(body) AS bytes FROM ${schema}.rejected
       WHERE ($1::text IS NULL OR source = $1) AND ($2::text IS NULL OR reason = $2) AND ($3::bigint IS NULL OR seq < $3)
       ORDER BY seq DESC LIMIT $4::bigint + 1
     ), placed AS (
       SELECT seq, row_number() OVER down AS place, sum(bytes) OVER down AS total, count(*) OVER () AS found
       FROM wanted WINDOW down AS (ORDER BY seq DESC)
     )
     SELECT rejected.*, found FROM placed JOIN ${schema}.rejected USING (seq)
     WHERE place = 1 OR (place <= $4::bigint AND total <= $5::bigint) ORDER BY seq DESC`,
    [
      toOptionalText(query.source) ?? null,
      query.reason ?? null,
      query.before ?? null,
      Math.min(Math.max(1, query.limit), 1000),
      REJECTED_PAGE_BYTES,
    ],
  )
  const requests = rows.map(toKeptRequest)
  return {
    requests,
    next: rows.length < Number(rows[0]?.found ?? 0) ? requests.at(-1)?.rejectedSeq : undefined,
  }
}

interface RejectedRow {
  readonly seq: string
  readonly received_ms: string
  readonly source: string
  readonly reason: Reason
  readonly method: string
  readonly url: string
  readonly headers: string
  readonly body: Uint8Array
  readonly body_bytes: string
  readonly copies: string
  /** How many are wanted, up to one more than the page may hold. */
  readonly found: string
}

function toKeptRequest(row: RejectedRow): KeptRequest {
  return {
    rejectedSeq: Number(row.seq),
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
  }
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
