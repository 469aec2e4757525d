import {
  readSecretUse,
  type EventDetail,
  type HasSmallState,
  type ListQuery,
  type Sources,
  type Store,
  type StoredEvent,
} from 'postern'
import type { AdminAnswer } from './admin-answer.ts'

/** The part of a store that the API reads. */
export type ReadableStore = HasSmallState & Pick<Store, 'get' | 'inspect' | 'list' | 'stat'>

const NOT_FOUND: AdminAnswer = { status: 404, body: { error: 'Not found' } }
const DEFAULT_LIMIT = 100
const LARGEST_LIMIT = 1000

/** Answers a GET of the admin API. */
export async function answerApi(url: URL, store: ReadableStore, sources: Sources): Promise<AdminAnswer> {
  if (url.pathname === '/api/stat') return { status: 200, body: await store.stat() }
  if (url.pathname === '/api/store') return { status: 200, body: await store.inspect() }
  if (url.pathname === '/api/secrets') return { status: 200, body: await secretUse(store, sources) }
  if (url.pathname === '/api/events') return listEvents(url.searchParams, store)
  const seq = /^\/api\/events\/(\d{1,15})$/.exec(url.pathname)?.[1]
  if (seq === undefined) return NOT_FOUND
  const detail = await store.get(Number(seq))
  return detail === undefined ? NOT_FOUND : { status: 200, body: eventDetail(detail) }
}

async function secretUse(store: ReadableStore, sources: Sources): Promise<object> {
  const secrets = await readSecretUse(store.state, sources)
  return {
    secrets: secrets.map(({ lastMatchedMs, ...use }) => ({
      ...use,
      lastMatched: lastMatchedMs === undefined ? undefined : new Date(lastMatchedMs).toISOString(),
    })),
  }
}

async function listEvents(parameters: URLSearchParams, store: ReadableStore): Promise<AdminAnswer> {
  const query = readQuery(parameters)
  if (typeof query === 'string') return { status: 400, body: { error: query } }
  const { events, next } = await store.list(query)
  return { status: 200, body: { events, next } }
}

/** The query, or what is wrong with it. */
function readQuery(parameters: URLSearchParams): ListQuery | string {
  const unknown = [...parameters.keys()].find((name) => !['limit', 'before', 'source', 'type'].includes(name))
  if (unknown !== undefined) return 'Unknown parameter; known are limit, before, source, type'
  const limit = wholeNumber(parameters.get('limit') ?? String(DEFAULT_LIMIT))
  if (limit === undefined || limit > LARGEST_LIMIT)
    return `limit must be a whole number from 1 to ${LARGEST_LIMIT}`
  const beforeText = parameters.get('before')
  const before = beforeText === null ? undefined : wholeNumber(beforeText)
  if (beforeText !== null && before === undefined) return 'before must be a whole number of 1 or more'
  const [source, type] = [parameters.get('source'), parameters.get('type')]
  return {
    of: 'events',
    limit,
    ...(before !== undefined && { before }),
    ...(source !== null && { source }),
    ...(type !== null && { type }),
  }
}

function wholeNumber(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined
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
