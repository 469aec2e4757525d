import {
  TRANSITIONS,
  type Delivery,
  type DeliveryState,
  type ListQuery,
  type Move,
  type MoveResult,
} from 'postern'
import type { AdminAnswer } from './admin-answer.ts'
import type { AdminParts, AdminStore } from './api.ts'
import { unlessThere } from './destinations.ts'
import { readCursors, strayParameter, type Between, type Cursor } from './page.ts'
import { replay } from './replay.ts'

type Act = () => Promise<AdminAnswer>
type ActionParts = Pick<AdminParts, 'destinations' | 'forwarding' | 'replay' | 'store'>

/** What one call moves at most: it is one commit. `next` is the query of the rest. */
const BATCH = 500

/** What a POST to this path does; `undefined` where nothing can be posted. All but a replay is safe to repeat. */
export function answerAction(url: URL, parts: ActionParts): Act | undefined {
  const [, destination = '', verb = ''] =
    /^\/api\/destinations\/([a-z0-9_-]{1,64})\/([a-z]+)$/.exec(url.pathname) ?? []
  if (verb === 'pause' || verb === 'resume') return () => setPaused(destination, verb === 'pause', parts)
  const steps = STEPS[verb]
  if (steps !== undefined) return () => moveAll(destination, steps, url.searchParams, parts)
  const event = /^\/api\/events\/(\d{1,15})\/replay$/.exec(url.pathname)?.[1]
  if (event !== undefined) return () => replay(Number(event), url.searchParams, parts)
  const [, seq = '', to = ''] = /^\/api\/deliveries\/(\d{1,15})\/([a-z]+)$/.exec(url.pathname) ?? []
  const step = STEPS[to]?.to
  return step && (() => moveOne({ deliverySeq: Number(seq), to: step }, url.searchParams, parts.store))
}

interface Step {
  readonly to: Move['to']
  /** Of a whole destination, those that are in this state. */
  readonly from: DeliveryState
  /**
   * So that what is redriven of a key runs in its order, however many pages there are. What is given up goes newest first: else
   * the later pages would take the successors that the first ones have let run. So does what is taken back: what runs meanwhile
   * is then the beginning of its key.
   */
  readonly isOldestFirst: boolean
}

/** By the verb of a path. */
const STEPS: Readonly<Record<string, Step>> = {
  redrive: { to: 'redrive', from: 'dead', isOldestFirst: true },
  discard: { to: 'discard', from: 'dead', isOldestFirst: false },
  cancel: { to: 'cancel', from: 'pending', isOldestFirst: false },
}

const DONE: Readonly<Record<Move['to'], string>> = {
  redrive: 'redriven',
  discard: 'discarded',
  cancel: 'cancelled',
}

async function setPaused(name: string, isPaused: boolean, parts: ActionParts): Promise<AdminAnswer> {
  const { forwarding } = parts
  const isDone = (await forwarding?.setPaused(name, isPaused)) ?? false
  const sent = forwarding?.list() ?? []
  if (isDone) return { status: 200, body: sent.find((each) => each.name === name) }
  const names = sent.map((each) => each.name)
  const those = names.length === 0 ? 'nothing is' : `these are: ${names.join(', ')}`
  const error = `only what is sent on over HTTP can be paused, which '${name}' is not; ${those}`
  return (await unlessThere(name, parts)) ?? { status: 409, body: { error, destinations: names } }
}

const STATUS_OF: Readonly<Record<MoveResult, number>> = {
  moved: 200,
  illegal: 409,
  overtaken: 409,
  unknown: 404,
}

/** The query of a step: whether it is forced, and between which numbers a page of a destination is; or what is wrong with it. */
function readStep(
  parameters: URLSearchParams,
  { to, cursors }: { readonly to: Move['to']; readonly cursors: readonly Cursor[] },
): ({ readonly force: boolean } & Between) | string {
  const stray = strayParameter(parameters, [...(to === 'redrive' ? ['force'] : []), ...cursors])
  if (stray !== undefined) return stray
  const force = parameters.get('force')
  if (force !== null && force !== 'true' && force !== 'false') return 'force must be true or false'
  const between = readCursors(parameters, cursors)
  return typeof between === 'string' ? between : { force: force === 'true', ...between }
}

async function moveOne(
  { deliverySeq, to }: Pick<Move, 'deliverySeq' | 'to'>,
  parameters: URLSearchParams,
  store: Pick<AdminStore, 'list' | 'move'>,
): Promise<AdminAnswer> {
  const query = readStep(parameters, { to, cursors: [] })
  if (typeof query === 'string') return { status: 400, body: { error: query } }
  const move = { deliverySeq, to, force: query.force }
  const [result = 'unknown'] = await store.move([move])
  const status = STATUS_OF[result]
  if (result === 'moved') return { status, body: { result } }
  const found = result === 'unknown' ? undefined : await findDelivery(move.deliverySeq, store)
  const error = refusedFor(result, move, found)
  return { status, body: { result, error, state: found?.state, eventSeq: found?.eventSeq } }
}

function refusedFor(
  result: Exclude<MoveResult, 'moved'>,
  { deliverySeq, to }: Move,
  found: Delivery | undefined,
): string {
  // Pruned since, where it was not found although the store has just known it.
  if (result === 'unknown' || found === undefined) return `there is no delivery ${deliverySeq}`
  if (result === 'overtaken') {
    return `later deliveries of its key have run since delivery ${deliverySeq} was given up: redriven now, it would run out of order`
  }
  return `delivery ${deliverySeq} is ${found.state}, and only what is ${TRANSITIONS[to].from.join(' or ')} can be ${DONE[to]}`
}

/** The contract has no look-up by a delivery's number; a page of one that ends there is one. */
async function findDelivery(
  deliverySeq: number,
  store: Pick<AdminStore, 'list'>,
): Promise<Delivery | undefined> {
  const { deliveries } = await store.list({ of: 'deliveries', before: deliverySeq + 1, limit: 1 })
  return deliveries.find((each) => each.deliverySeq === deliverySeq)
}

async function moveAll(
  destination: string,
  { to, from: state, isOldestFirst }: Step,
  parameters: URLSearchParams,
  parts: ActionParts,
): Promise<AdminAnswer> {
  const query = readStep(parameters, { to, cursors: isOldestFirst ? ['after', 'before'] : ['before'] })
  if (typeof query === 'string') return { status: 400, body: { error: query } }
  const { force, ...between } = query
  const goThrough = isOldestFirst ? oldestOf : newestOf
  const { deliveries, next } = await goThrough({ of: 'deliveries', destination, state }, between, parts.store)
  if (deliveries.length === 0 && between.after === undefined && between.before === undefined) {
    const refused = await unlessThere(destination, parts)
    if (refused !== undefined) return refused
  }
  const results = await parts.store.move(deliveries.map(({ deliverySeq }) => ({ deliverySeq, to, force })))
  const moved = results.filter((result) => result === 'moved').length
  return { status: 200, body: { moved, left: results.length - moved, next } }
}

interface StepPage {
  readonly deliveries: readonly Delivery[]
  /** Absent on the last. */
  readonly next: Between | undefined
}

async function newestOf(
  all: Omit<ListQuery, 'limit'>,
  between: Between,
  store: Pick<AdminStore, 'list'>,
): Promise<StepPage> {
  const { deliveries, next } = await store.list({ ...all, ...between, limit: BATCH })
  return { deliveries, next: next === undefined ? undefined : { before: next } }
}

/** What dies behind the newest that there is at the first page is not gone through: so the pages end. */
async function oldestOf(
  all: Omit<ListQuery, 'limit'>,
  { after = 0, before: given }: Between,
  store: Pick<AdminStore, 'list'>,
): Promise<StepPage> {
  const [newest] = given === undefined ? (await store.list({ ...all, limit: 1 })).deliveries : []
  const before = given ?? (newest?.deliverySeq ?? 0) + 1
  const { deliveries, next } = await store.list({ ...all, after, before, limit: BATCH })
  return { deliveries, next: next === undefined ? undefined : { after: next, before } }
}
