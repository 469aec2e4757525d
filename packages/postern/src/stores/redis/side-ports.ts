import { sha256 } from '../../core/index.ts'
import {
  dedupeKey,
  REJECTED_LOG_ROWS,
  REJECTED_PAGE_BYTES,
  rejectedBudget,
  type RejectedLog,
  type RejectedQuery,
  type RejectedRequest,
  type SmallState,
  type StateEntry,
} from '../../inbox/index.ts'
import type { Packable } from './packing.ts'
import { rejectedPage } from './reading.ts'
import type { Answer } from './space.ts'
import { wholeMs } from './whole-ms.ts'

/** How the side ports reach the space where they are kept. */
export interface HomeCalls {
  add(packed: Packable, bytes: number): Promise<Answer>
  read(packed: Packable): Promise<Answer>
  /** The store's clock, from the server's. */
  nowMs(serverMs: number): number
}

/** The log of refused requests. */
export function rejectedLog(home: HomeCalls): RejectedLog {
  return {
    record: async (request) =>
      void (await home.add(recordOperation(request), request.body.byteLength + 1000)),
    list: async (query) => rejectedPage((await home.read(listOperation(query))).value),
  }
}

/**
 * A page. What a filter compares stands behind the digest in a request's key, so that no request is read to be passed by: a source
 * as the beginning of that, a reason as its end.
 */
function listOperation({ source, reason, before, limit }: RejectedQuery): Packable {
  return [
    'rejected',
    reason === undefined ? Object.keys(REJECTED_LOG_ROWS) : [rejectedBudget(reason)],
    source === undefined ? '' : `[${JSON.stringify(source)},`,
    reason === undefined ? '' : `,${JSON.stringify(reason)}]`,
    before ?? Number.MAX_SAFE_INTEGER,
    Math.min(Math.max(1, limit), 1000),
    REJECTED_PAGE_BYTES,
  ]
}

function recordOperation({ body, ...request }: RejectedRequest): Packable {
  const { source, reason, method, url, headers, bodyBytes } = request
  const digest = sha256(body).toString('hex')
  const budget = rejectedBudget(reason)
  return [
    'record',
    Buffer.concat([
      dedupeKey('rejected', '', source, reason, digest),
      Buffer.from(JSON.stringify([source, reason])),
    ]),
    budget,
    REJECTED_LOG_ROWS[budget],
    JSON.stringify([source, reason, method, url, headers, bodyBytes]),
    body,
  ]
}

/** The small state; keys and values as JSON, which knows halves of characters. */
export function smallState(home: HomeCalls): SmallState {
  return {
    get: async (key) => {
      const { value, nowMs } = await home.read(['recall', JSON.stringify(key)])
      return Buffer.isBuffer(value) ? valueIn(value, home.nowMs(nowMs)) : undefined
    },
    set: async (key, value, { forMs = Infinity } = {}) => {
      const kept = value === undefined ? false : JSON.stringify(value)
      const lasts = forMs === Infinity ? false : wholeMs(forMs)
      await home.add(['remain', JSON.stringify(key), kept, lasts], 1000 + (value?.length ?? 0))
    },
    list: async (prefix) => {
      const { value, nowMs } = await home.read(['entries'])
      const entries = pairsIn(value as readonly Buffer[], home.nowMs(nowMs))
      return entries.filter(({ key }) => key.startsWith(prefix)).toSorted(byCodePoint)
    },
  }
}

function pairsIn(flat: readonly Buffer[], nowMs: number): StateEntry[] {
  const entries: StateEntry[] = []
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const [name, kept] = [flat[index], flat[index + 1]]
    const value = kept && valueIn(kept, nowMs)
    if (name !== undefined && value !== undefined) entries.push({ key: textOf(name), value })
  }
  return entries
}

/** A value stands behind the time when it is forgotten; 0 for never. */
function valueIn(kept: Buffer, nowMs: number): string | undefined {
  const text = kept.toString()
  const space = text.indexOf(' ')
  const untilMs = Number(text.slice(0, space))
  return untilMs === 0 || nowMs < untilMs ? (JSON.parse(text.slice(space + 1)) as string) : undefined
}

function textOf(json: Buffer): string {
  return JSON.parse(json.toString()) as string
}

/** As UTF-8 sorts; JavaScript's own order puts what lies beyond U+FFFF in the middle. */
function byCodePoint(left: StateEntry, right: StateEntry): number {
  return Buffer.compare(Buffer.from(left.key), Buffer.from(right.key))
}
