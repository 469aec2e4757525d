import {
  DELIVERY_STATES,
  type EventDetail,
  type EventSummary,
  type HasRejectedLog,
  type ListQuery,
  type Postern,
  type SecretUse,
  type Store,
  type StoredEvent,
} from 'postern'
import type { DestinationStatus } from '../forward/index.ts'
import { NOT_FOUND, type AdminAnswer } from './admin-answer.ts'
import { listDestinations, unlessThere } from './destinations.ts'
import { readPage } from './page.ts'
import { listRejected } from './rejected.ts'

/** The part of a store that the API reads, and the operator's steps. */
export interface AdminStore extends Pick<Store, 'get' | 'inspect' | 'list' | 'move' | 'stat'> {
  readonly rejected: Pick<HasRejectedLog['rejected'], 'list'>
}

/** What the API tells of. */
export interface AdminParts {
  readonly store: AdminStore
  /** When each secret last matched. */
  readonly secretUse: () => Promise<readonly SecretUse[]>
  readonly replay: Postern['replay']
  /** The names of all that this gateway serves: what is sent on, and handlers in the process. */
  readonly destinations: readonly string[]
  /** Absent where nothing is sent on. */
  readonly forwarding?: DestinationControl
}

/** What the API can do with destinations over HTTP. */
export interface DestinationControl {
  list(): readonly DestinationStatus[]
  /** False where there is none of that name. */
  setPaused(name: string, isPaused: boolean): Promise<boolean>
}

/** Each is looked up by itself. */
const MOST_CONFLICTS = 100

/** Filters that are handed on as they are. */
const WORDS = ['source', 'type', 'destination']

/** Answers a GET of the admin API. */
export async function answerApi(url: URL, parts: AdminParts): Promise<AdminAnswer> {
  const { store, secretUse } = parts
  if (url.pathname === '/api/stat') return { status: 200, body: await store.stat() }
  if (url.pathname === '/api/store') return { status: 200, body: await store.inspect() }
  if (url.pathname === '/api/secrets') return { status: 200, body: secretList(await secretUse()) }
  if (url.pathname === '/api/destinations') return listDestinations(parts)
  if (url.pathname === '/api/rejected') return listRejected(url.searchParams, store.rejected)
  if (url.pathname === '/api/deliveries') return listDeliveries(url.searchParams, parts)
  if (url.pathname === '/api/events') return listEvents(url.searchParams, store)
  const seq = /^\/api\/events\/(\d{1,15})$/.exec(url.pathname)?.[1]
  if (seq === undefined) return NOT_FOUND
  const detail = await store.get(Number(seq))
  return detail === undefined ? NOT_FOUND : { status: 200, body: eventDetail(detail) }
}

function secretList(secrets: readonly SecretUse[]): object {
  return {
    secrets: secrets.map(({ lastMatchedMs, ...use }) => ({
      ...use,
      lastMatched: lastMatchedMs === undefined ? undefined : new Date(lastMatchedMs).toISOString(),
    })),
  }
}

/** None at a destination that is there is good news; at one that is not, a slip of the keyboard. */
async function listDeliveries(parameters: URLSearchParams, parts: AdminParts): Promise<AdminAnswer> {
  const page = readFiltered(parameters, ['destination', 'source', 'state', 'type'])
  if (typeof page === 'string') return { status: 400, body: { error: page } }
  const state = DELIVERY_STATES.find((each) => each === parameters.get('state'))
  if (parameters.has('state') && state === undefined)
    return { status: 400, body: { error: `state must be one of ${DELIVERY_STATES.join(', ')}` } }
  const query = { of: 'deliveries', ...page, ...(state !== undefined && { state }) } as const
  const { deliveries, next } = await parts.store.list(query)
  const name = parameters.get('destination')
  const refusal = name === null || deliveries.length > 0 ? undefined : await unlessThere(name, parts)
  return refusal ?? { status: 200, body: { deliveries, next } }
}

async function listEvents(
  parameters: URLSearchParams,
  store: Pick<AdminStore, 'get' | 'list'>,
): Promise<AdminAnswer> {
  const page = readFiltered(parameters, ['source', 'type', 'conflicts'])
  if (typeof page === 'string') return { status: 400, body: { error: page } }
  if (!['true', 'false', null].includes(parameters.get('conflicts')))
    return { status: 400, body: { error: 'conflicts must be true or false' } }
  if (parameters.get('conflicts') !== 'true') {
    const { events, next } = await store.list({ of: 'events', ...page })
    return { status: 200, body: { events, next } }
  }
  if (page.limit > MOST_CONFLICTS)
    return { status: 400, body: { error: `limit of conflicts must be at most ${MOST_CONFLICTS}` } }
  const { events, next } = await store.list({ of: 'events', conflicts: true, ...page })
  return { status: 200, body: { events: await withWhetherHeld(events, store), next } }
}

/** What a list says of an event does not tell whether it is held; one after another, so that only one body is here at a time. */
async function withWhetherHeld(
  events: readonly EventSummary[],
  store: Pick<AdminStore, 'get'>,
): Promise<readonly object[]> {
  const told: object[] = []
  for (const event of events) {
    const detail = await store.get(event.eventSeq)
    if (detail !== undefined) told.push({ ...event, held: detail.deliveries.length === 0 })
  }
  return told
}

/** The page with its filters by word, or what is wrong with the query. */
function readFiltered(
  parameters: URLSearchParams,
  filters: readonly string[],
): Omit<ListQuery, 'of'> | string {
  const page = readPage(parameters, filters)
  if (typeof page === 'string') return page
  const words = filters.filter((name) => WORDS.includes(name) && parameters.has(name))
  return { ...page, ...Object.fromEntries(words.map((name) => [name, parameters.get(name) ?? ''])) }
}

function eventDetail({ event, duplicates, deliveries }: EventDetail): object {
  const { body, ...rest } = event
  return { event: { ...rest, bodyBytes: body.byteLength, body: bodyOf(event) }, duplicates, deliveries }
}

/** The exact bytes, and the text where the body is JSON in valid UTF-8. */
function bodyOf({ body }: StoredEvent): { readonly base64: string; readonly text?: string } {
  const base64 = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64')
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
    JSON.parse(text)
    return { base64, text }
  } catch {
    return { base64 }
  }
}
