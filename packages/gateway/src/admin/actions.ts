import type { DeliveryState, Move, MoveResult } from 'postern'
import { NOT_FOUND, type AdminAnswer } from './admin-answer.ts'
import type { AdminParts, AdminStore, DestinationControl } from './api.ts'

type Act = () => Promise<AdminAnswer>

/** What one call moves at most: it is one commit. `next` says where the rest begins. */
const BATCH = 500

/** What a POST to this path does; `undefined` where nothing can be posted. All of it is safe to repeat. */
export function answerAction(
  url: URL,
  { store, forwarding }: Pick<AdminParts, 'store' | 'forwarding'>,
): Act | undefined {
  const [, destination = '', verb = ''] =
    /^\/api\/destinations\/([a-z0-9_-]{1,64})\/([a-z]+)$/.exec(url.pathname) ?? []
  if (verb === 'pause' || verb === 'resume') return () => setPaused(destination, verb === 'pause', forwarding)
  const steps = STEPS[verb]
  if (steps !== undefined) return () => moveAll(destination, steps, url.searchParams, store)
  const [, seq = '', to = ''] = /^\/api\/deliveries\/(\d{1,15})\/([a-z]+)$/.exec(url.pathname) ?? []
  const step = STEPS[to]?.to
  return step && (() => moveOne({ deliverySeq: Number(seq), to: step }, store))
}

/** By the verb of a path; of a whole destination, those that are in the state that the verb is meant for. */
const STEPS: Readonly<Record<string, { readonly to: Move['to']; readonly from: DeliveryState }>> = {
  redrive: { to: 'redrive', from: 'dead' },
  discard: { to: 'discard', from: 'dead' },
  cancel: { to: 'cancel', from: 'pending' },
}

async function setPaused(
  name: string,
  isPaused: boolean,
  forwarding: DestinationControl | undefined,
): Promise<AdminAnswer> {
  const isDone = (await forwarding?.setPaused(name, isPaused)) ?? false
  const status = forwarding?.list().find((each) => each.name === name)
  return isDone ? { status: 200, body: status } : NOT_FOUND
}

const STATUS_OF: Readonly<Record<MoveResult, number>> = {
  moved: 200,
  illegal: 409,
  overtaken: 409,
  unknown: 404,
}

async function moveOne(move: Move, store: Pick<AdminStore, 'move'>): Promise<AdminAnswer> {
  const [result = 'unknown'] = await store.move([move])
  return { status: STATUS_OF[result], body: { result } }
}

async function moveAll(
  destination: string,
  { to, from: state }: { readonly to: Move['to']; readonly from: DeliveryState },
  parameters: URLSearchParams,
  store: Pick<AdminStore, 'list' | 'move'>,
): Promise<AdminAnswer> {
  const text = parameters.get('before')
  if (text !== null && !/^[1-9]\d{0,14}$/.test(text))
    return { status: 400, body: { error: 'before must be a whole number of 1 or more' } }
  const page = { limit: BATCH, ...(text !== null && { before: Number(text) }) }
  const { deliveries, next } = await store.list({ of: 'deliveries', destination, state, ...page })
  const results = await store.move(deliveries.map(({ deliverySeq }) => ({ deliverySeq, to })))
  const moved = results.filter((result) => result === 'moved').length
  return { status: 200, body: { moved, left: results.length - moved, next } }
}
