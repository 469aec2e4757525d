import { TRANSITIONS, type Delivery, type DeliveryState, type Move, type MoveResult } from 'postern'
import type { AdminAnswer } from './admin-answer.ts'
import type { AdminParts, AdminStore } from './api.ts'
import { unlessThere } from './destinations.ts'
import { replay } from './replay.ts'

type Act = () => Promise<AdminAnswer>
type ActionParts = Pick<AdminParts, 'destinations' | 'forwarding' | 'replay' | 'store'>

/** What one call moves at most: it is one commit. `next` says where the rest begins. */
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

/** By the verb of a path; of a whole destination, those that are in the state that the verb is meant for. */
const STEPS: Readonly<Record<string, { readonly to: Move['to']; readonly from: DeliveryState }>> = {
  redrive: { to: 'redrive', from: 'dead' },
  discard: { to: 'discard', from: 'dead' },
  cancel: { to: 'cancel', from: 'pending' },
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

/** The query of a step: whether it is forced, and where a page of a destination begins; or what is wrong with it. */
function readStep(
  parameters: URLSearchParams,
  { to, pages }: { readonly to: Move['to']; readonly pages: boolean },
): { readonly force: boolean; readonly before: number | undefined } | string {
  const known = [...(to === 'redrive' ? ['force'] : []), ...(pages ? ['before'] : [])]
  const unknown = [...parameters.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined)
    return known.length === 0
      ? `${to} takes no parameters`
      : `Unknown parameter; known are ${known.join(', ')}`
  const [force, before] = [parameters.get('force'), parameters.get('before')]
  if (force !== null && force !== 'true' && force !== 'false') return 'force must be true or false'
  if (before !== null && !/^[1-9]\d{0,14}$/.test(before)) return 'before must be a whole number of 1 or more'
  return { force: force === 'true', before: before === null ? undefined : Number(before) }
}

async function moveOne(
  { deliverySeq, to }: Pick<Move, 'deliverySeq' | 'to'>,
  parameters: URLSearchParams,
  store: Pick<AdminStore, 'list' | 'move'>,
): Promise<AdminAnswer> {
  const query = readStep(parameters, { to, pages: false })
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
  { to, from: state }: { readonly to: Move['to']; readonly from: DeliveryState },
  parameters: URLSearchParams,
  parts: ActionParts,
): Promise<AdminAnswer> {
  const query = readStep(parameters, { to, pages: true })
  if (typeof query === 'string') return { status: 400, body: { error: query } }
  const { force, before } = query
  const page = { limit: BATCH, ...(before !== undefined && { before }) }
  const { deliveries, next } = await parts.store.list({ of: 'deliveries', destination, state, ...page })
  if (deliveries.length === 0 && before === undefined) {
    const refused = await unlessThere(destination, parts)
    if (refused !== undefined) return refused
  }
  const results = await parts.store.move(deliveries.map(({ deliverySeq }) => ({ deliverySeq, to, force })))
  const moved = results.filter((result) => result === 'moved').length
  return { status: 200, body: { moved, left: results.length - moved, next } }
}
