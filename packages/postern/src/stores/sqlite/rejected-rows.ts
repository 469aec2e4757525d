import type { Reason } from '../../core/index.ts'
import {
  fromText,
  REJECTED_PAGE_BYTES,
  toOptionalText,
  type KeptRequest,
  type RejectedPage,
  type RejectedQuery,
} from '../../inbox/index.ts'
import type { Connection } from './connection.ts'
import type { SqliteValue } from './database.ts'

/**
 * A page of the log of refused requests. Which rows stand on it is decided before any body is read: what a filter compares
 * stands before the body in its row, and `length` of a blob reads none of it.
 */
export function rejected(connection: Connection, { query }: { readonly query: RejectedQuery }): RejectedPage {
  const { where, params } = filters(query)
  const limit = Math.min(Math.max(1, query.limit), 1000)
  const wanted = connection
    .sql(`SELECT seq, length(body) AS bytes FROM rejected ${where} ORDER BY seq DESC LIMIT ?`)
    .all(...params, limit + 1) as { readonly seq: number; readonly bytes: number }[]
  const shown = wanted.slice(0, roomFor(wanted, limit))
  return {
    requests: shown.flatMap(({ seq }) => keptAt(connection, seq)),
    next: shown.length < wanted.length ? shown.at(-1)?.seq : undefined,
  }
}

function filters({ source, reason, before }: RejectedQuery): {
  readonly where: string
  readonly params: readonly SqliteValue[]
} {
  const conditions: [string, SqliteValue | undefined][] = [
    ['source = ?', toOptionalText(source)],
    ['reason = ?', reason],
    ['seq < ?', before],
  ]
  const used = conditions.filter(
    (condition): condition is [string, SqliteValue] => condition[1] !== undefined,
  )
  return {
    where: used.length === 0 ? '' : `WHERE ${used.map(([text]) => text).join(' AND ')}`,
    params: used.map(([, value]) => value),
  }
}

/** How many of the first a page has room for. */
function roomFor(wanted: readonly { readonly bytes: number }[], limit: number): number {
  let sum = 0
  const over = wanted.findIndex(({ bytes }, index) => {
    sum += bytes
    return index === limit || (index > 0 && sum > REJECTED_PAGE_BYTES)
  })
  return over === -1 ? wanted.length : over
}

/** None where it has made room for a newer one since. */
function keptAt(connection: Connection, seq: number): readonly KeptRequest[] {
  const row = connection.sql('SELECT * FROM rejected WHERE seq = ?').get(seq) as
    | {
        received_ms: number
        source: string
        reason: Reason
        method: string
        url: string
        headers: string
        body: Uint8Array
        body_bytes: number
        copies: number
      }
    | undefined
  if (row === undefined) return []
  return [
    {
      rejectedSeq: seq,
      receivedMs: row.received_ms,
      source: fromText(row.source),
      reason: row.reason,
      method: fromText(row.method),
      url: fromText(row.url),
      // Written by record from an array of strings.
      headers: JSON.parse(row.headers) as string[],
      body: row.body,
      bodyBytes: row.body_bytes,
      copies: row.copies,
    },
  ]
}
