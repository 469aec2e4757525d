import {
  fromNullableText,
  fromText,
  toOptionalText,
  type Attempt,
  type Delivery,
  type DeliveryState,
  type EventDetail,
  type ListPage,
  type ListQuery,
  type Outcome,
} from '../../inbox/index.ts'
import {
  EVENT_COLUMNS,
  numberOf,
  toStoredEvent,
  toSummary,
  type EventRow,
  type EventSummaryRow,
} from './event-row.ts'
import { SLOTS } from './migrations/tables.ts'
import type { Transaction } from './server.ts'

interface DeliveryRow {
  readonly seq: string
  readonly event_seq: string
  readonly destination: string
  readonly state: DeliveryState
  readonly due_ms: string
  readonly lease_until_ms: string | null
  readonly token: string
  readonly attempt: number
  readonly error: string | null
  readonly blocks: boolean
  readonly ordering_key: string | null
  readonly ended_ms: string | null
  readonly duration_ms: string | null
}

/** A delivery, with the key it waits in line under. */
const DELIVERY_COLUMNS =
  'delivery.*, CASE WHEN delivery.lane IS NOT NULL THEN event.ordering_key END AS ordering_key'

/** One event, its deliveries and their attempts. */
export async function get(
  tx: Transaction,
  schema: string,
  eventSeq: number,
): Promise<EventDetail | undefined> {
  const [row] = await tx.rows<EventRow & { readonly copies: string }>(
    `SELECT ${EVENT_COLUMNS}, headers, body, coalesce(copies, 0) AS copies
     FROM ${schema}.event LEFT JOIN ${schema}.duplicate ON event_seq = event.seq WHERE event.seq = $1`,
    [eventSeq],
  )
  if (row === undefined) return undefined
  const deliveries = await tx.rows<DeliveryRow>(
    `SELECT ${DELIVERY_COLUMNS} FROM ${schema}.event, LATERAL (
       SELECT * FROM ${schema}.every_delivery WHERE seq BETWEEN $1::bigint * ${SLOTS} AND $1::bigint * ${SLOTS} + ${SLOTS - 1}
       UNION ALL
       SELECT made_later.* FROM ${schema}.further_delivery,
              LATERAL (SELECT * FROM ${schema}.every_delivery WHERE seq = delivery_seq OFFSET 0) AS made_later
       WHERE further_delivery.event_seq = $1::bigint
     ) AS delivery WHERE event.seq = $1::bigint ORDER BY delivery.seq`,
    [eventSeq],
  )
  const attempts = await tx.rows<AttemptRow>(
    `SELECT * FROM ${schema}.attempt WHERE delivery_seq = ANY ($1::bigint[]) ORDER BY delivery_seq, token`,
    [deliveries.map(({ seq }) => seq)],
  )
  return {
    event: toStoredEvent(row),
    duplicates: Number(row.copies),
    deliveries: deliveries.map((delivery) => ({
      ...toDelivery(delivery),
      attempts: [
        ...attempts.filter(({ delivery_seq: of }) => of === delivery.seq).map(toAttempt),
        ...successOf(delivery),
      ],
    })),
  }
}

interface AttemptRow {
  readonly delivery_seq: string
  readonly number: number
  readonly ended_ms: string
  readonly duration_ms: string
  readonly outcome: Outcome['kind']
  readonly error: string | null
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    number: row.number,
    endedMs: Number(row.ended_ms),
    durationMs: Number(row.duration_ms),
    outcome: row.outcome,
    error: fromNullableText(row.error),
  }
}

/** The last attempt of what has succeeded stands in its own row. */
function successOf({ state, attempt, ended_ms: endedMs, duration_ms: durationMs }: DeliveryRow): Attempt[] {
  if (state !== 'succeeded') return []
  return [
    {
      number: attempt,
      endedMs: Number(endedMs),
      durationMs: Number(durationMs),
      outcome: 'succeeded',
      error: undefined,
    },
  ]
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    deliverySeq: Number(row.seq),
    eventSeq: Number(row.event_seq),
    destination: fromText(row.destination),
    state: row.state,
    attempt: row.attempt,
    token: Number(row.token),
    orderingKey: fromNullableText(row.ordering_key),
    blocks: row.blocks,
    dueMs: Number(row.due_ms),
    leaseUntilMs: numberOf(row.lease_until_ms),
    error: fromNullableText(row.error),
  }
}

/** A page of events or deliveries. One row more than asked for is read: only then is there a next page. */
export async function list(tx: Transaction, schema: string, query: ListQuery): Promise<ListPage> {
  const { where, values } = filters(query)
  const order = query.after === undefined ? 'DESC' : 'ASC'
  const limit = Math.min(Math.max(1, query.limit), 1000)
  if (query.of === 'events') {
    const rows = await tx.rows<EventSummaryRow & { readonly body_bytes: number }>(
      `SELECT ${EVENT_COLUMNS}, octet_length(body) AS body_bytes FROM ${schema}.event ${where} ORDER BY seq ${order} LIMIT ${limit + 1}`,
      values,
    )
    return { events: rows.slice(0, limit).map(toSummary), deliveries: [], next: nextOf(rows, limit) }
  }
  const rows = await tx.rows<DeliveryRow>(
    `SELECT ${DELIVERY_COLUMNS} FROM ${schema}.every_delivery AS delivery JOIN ${schema}.event ON event.seq = event_seq ${where}
     ORDER BY delivery.seq ${order} LIMIT ${limit + 1}`,
    values,
  )
  return { events: [], deliveries: rows.slice(0, limit).map(toDelivery), next: nextOf(rows, limit) }
}

function nextOf(rows: readonly { readonly seq: string }[], limit: number): number | undefined {
  return rows.length > limit ? Number(rows[limit - 1]?.seq) : undefined
}

/** Only conditions that are asked for, so that each combination can use its index. */
function filters(query: ListQuery): { readonly where: string; readonly values: unknown[] } {
  const table = query.of === 'events' ? 'event' : 'delivery'
  const compared: [string, string | number | undefined][] = [
    ['event.source =', toOptionalText(query.source)],
    ['event.type =', toOptionalText(query.type)],
    [`${table}.seq <`, query.before],
    [`${table}.seq >`, query.after],
  ]
  if (query.of === 'deliveries')
    compared.push(
      ['delivery.state =', query.state],
      ['delivery.destination =', toOptionalText(query.destination)],
    )
  const used = compared.filter(([, value]) => value !== undefined)
  const texts = [...used.map(([text], index) => `${text} $${index + 1}`), ...conditionsOf(query)]
  return {
    where: texts.length === 0 ? '' : `WHERE ${texts.join(' AND ')}`,
    values: used.map(([, value]) => value),
  }
}

function conditionsOf({ of, conflicts, blocking }: ListQuery): string[] {
  if (of === 'events') return conflicts === true ? ['event.conflicts_with IS NOT NULL'] : []
  return blocking === true ? ['delivery.blocks'] : []
}
