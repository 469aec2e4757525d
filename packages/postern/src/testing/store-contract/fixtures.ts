import assert from 'node:assert/strict'
import type {
  Claimed,
  ClaimRequest,
  Delivery,
  DeliveryState,
  DeliveryStatus,
  EventDetail,
  KeptRequest,
  NewEvent,
  Outcome,
  PutResult,
  RejectedPage,
  RejectedQuery,
  RejectedRequest,
  Settlement,
} from '../../inbox/index.ts'
import type { ContractStore, StoreHarness } from './harness.ts'

export const SECOND = 1000
export const MINUTE: number = 60 * SECOND
/** How long the suite's leases last: much longer than a case runs. */
export const LEASE_MS: number = 60 * SECOND
export const WINDOW_MS: number = 60 * MINUTE

/**
 * What breaks where text is pasted into a query, passes through a code page or is bound as a C string: quotes, wildcards, other
 * scripts, control characters, NUL, halves of surrogate pairs, and what an escape for those could look like.
 */
export const ODD_TEXTS: readonly string[] = [
  `it's "quoted" \`twice\``,
  `'); DROP TABLE event; --`,
  '100% _under_ \\ back',
  'emoji 🪝 and 家族 and é',
  'e\u0301 is not \u00e9',
  'control \u0001\u001f\u007f\t\r\n end',
  '__proto__',
  'constructor',
  ' spaces around ',
  '$1 ?1 :name @name {{x}}',
  'nul \0 inside',
  'nul \0 within',
  '\0',
  'half a pair \ud83d high',
  '\udc00 and low',
  '\u0001\u0001 and \u0001\u0003d83d',
]

/** The bytes of a text. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Bytes as plain ones, since a store may hand out a Buffer, which strict equality tells apart. */
export function plain(body: Uint8Array): Uint8Array {
  return Uint8Array.from(body)
}

/** A valid event with one delivery, and what a case changes about it. */
export function anEvent(change: Partial<NewEvent> = {}): NewEvent {
  return {
    tenant: '',
    source: 'shop',
    id: 'evt_1',
    idKind: 'signed',
    type: 'order.paid',
    createdMs: 1_700_000_000_000,
    orderingKey: undefined,
    onDead: undefined,
    verifiedBy: 'hmac',
    body: bytes('{"total":1}'),
    headers: ['content-type', 'application/json'],
    dedupeWindowMs: WINDOW_MS,
    onConflict: 'hold',
    destinations: ['handlers'],
    ...change,
  }
}

/** An event whose id is not signed, so that its body guards as well. */
export function anEventWithBodyKey(change: Partial<NewEvent> = {}): NewEvent {
  return anEvent({ idKind: 'unsigned', ...change })
}

/** Events that differ in their id and body, numbered from 1. */
export function events(count: number, change: Partial<NewEvent> = {}): NewEvent[] {
  return Array.from({ length: count }, (_, index) =>
    anEvent({ id: `evt_${index + 1}`, body: bytes(`{"total":${index + 1}}`), ...change }),
  )
}

/** An event whose source asks for order. */
export function inLine(change: Partial<NewEvent> = {}): NewEvent {
  return anEvent({ orderingKey: 'cart 7', onDead: 'block', ...change })
}

/** Events of one ordering key, numbered from 1. */
export function lineOf(count: number, change: Partial<NewEvent> = {}): NewEvent[] {
  return events(count, { orderingKey: 'cart 7', onDead: 'block', ...change })
}

/** A request that was refused, and what a case changes about it. */
export function aRequest(change: Partial<RejectedRequest> = {}): RejectedRequest {
  const { body = bytes('{"total":1}') } = change
  return {
    source: 'shop',
    reason: 'stale',
    method: 'POST',
    url: '/webhooks/shop',
    headers: ['x-signature', 'sha256=00'],
    body,
    bodyBytes: body.byteLength,
    ...change,
  }
}

/** The newest requests that were refused. */
export async function recent(store: ContractStore, limit: number): Promise<readonly KeptRequest[]> {
  return (await store.rejected.list({ limit })).requests
}

/** All requests that were refused and match, newest first. */
export async function allRejected(
  store: ContractStore,
  query: RejectedQuery = { limit: 1000 },
): Promise<readonly KeptRequest[]> {
  return (await rejectedPages(store, query)).flatMap(({ requests }) => requests)
}

/** All pages of the requests that were refused and match, from that of the query on. */
export async function rejectedPages(
  store: ContractStore,
  query: RejectedQuery,
): Promise<readonly RejectedPage[]> {
  const page = await store.rejected.list(query)
  const { next } = page
  if (next === undefined) return [page]
  assert.ok(next < (query.before ?? Infinity), 'a page must lead further down')
  return [page, ...(await rejectedPages(store, { ...query, before: next }))]
}

/** Puts one event. */
export async function put(store: ContractStore, event: NewEvent = anEvent()): Promise<PutResult> {
  return only(await store.put([event]))
}

/** Puts an event that must be new; its number. */
export async function putStored(store: ContractStore, event: NewEvent = anEvent()): Promise<number> {
  return storedSeq(await put(store, event))
}

/** Puts events one after another that must be new; their numbers. */
export async function putAll(store: ContractStore, all: readonly NewEvent[]): Promise<number[]> {
  const eventSeqs: number[] = []
  for (const event of all) eventSeqs.push(await putStored(store, event))
  return eventSeqs
}

/** The number of an event that must have been stored. */
export function storedSeq(result: PutResult | undefined): number {
  if (result?.outcome !== 'stored') assert.fail(`Expected the outcome stored, got ${inWords(result)}`)
  return result.eventSeq
}

/** The lease that a put must have given. */
export function leasedOf(result: PutResult | undefined): Claimed {
  const leased = result !== undefined && 'leased' in result ? result.leased : undefined
  if (leased === undefined) assert.fail(`Expected a lease, got ${result?.outcome} without one`)
  return leased
}

/** A put must have given no lease. */
export function assertNotLeased(result: PutResult | undefined): void {
  const leased = result !== undefined && 'leased' in result ? result.leased : undefined
  assert.equal(leased, undefined)
}

/** The deliveries' states that a duplicate was answered with. */
export function duplicateOf(result: PutResult | undefined, eventSeq: number): readonly DeliveryStatus[] {
  if (result?.outcome !== 'duplicate') assert.fail(`Expected the outcome duplicate, got ${inWords(result)}`)
  assert.equal(result.eventSeq, eventSeq, 'A duplicate must name the event recorded first')
  return result.deliveries
}

/** The number of a conflicting event. */
export function conflictSeq(result: PutResult | undefined, conflictsWith: number): number {
  if (result?.outcome !== 'conflict') assert.fail(`Expected the outcome conflict, got ${inWords(result)}`)
  assert.equal(result.conflictsWith, conflictsWith, 'A conflict must name the event that has the id')
  return result.eventSeq
}

/** Claims without waiting. */
export async function claim(store: ContractStore, change: Partial<ClaimRequest> = {}): Promise<Claimed[]> {
  const destinations = [{ name: 'handlers', limit: 100 }]
  return store.claim({ destinations, leaseMs: LEASE_MS, waitMs: 0, ...change })
}

/** Claims the one delivery that must be due. */
export async function claimOne(store: ContractStore, change: Partial<ClaimRequest> = {}): Promise<Claimed> {
  return only(await claim(store, change))
}

/** Starts a claim that waits for one delivery, longer than a case may take: where it is answered, it was woken. */
export function startClaim(store: ContractStore, change: Partial<ClaimRequest> = {}): Promise<Claimed> {
  const waiting = claimOne(store, { waitMs: 10 * MINUTE, ...change })
  // The case may fail before it comes to await this; that failure is the one to be told.
  waiting.catch(() => {})
  return waiting
}

/** The ids of what could be claimed. */
export async function claimedIds(
  store: ContractStore,
  change: Partial<ClaimRequest> = {},
): Promise<readonly string[]> {
  return (await claim(store, change)).map(({ event }) => event.id)
}

/** A settlement of a lease. */
export function settlement(
  { deliverySeq, token }: { readonly deliverySeq: number; readonly token: number },
  outcome: Outcome = { kind: 'succeeded' },
  effects?: readonly unknown[],
): Settlement<unknown> {
  const settled = { deliverySeq, token, outcome, durationMs: 12 }
  return effects === undefined ? settled : { ...settled, effects }
}

/** Settles one lease; the result in a word. */
export async function settle(
  store: ContractStore,
  lease: { readonly deliverySeq: number; readonly token: number },
  outcome?: Outcome,
  effects?: readonly unknown[],
): Promise<'settled' | 'lost' | 'failed'> {
  return only(await store.settle([settlement(lease, outcome, effects)])).result
}

/** One outcome of each kind. */
export const OUTCOMES: Readonly<Record<Outcome['kind'], Outcome>> = {
  succeeded: { kind: 'succeeded' },
  retry: { kind: 'retry', afterMs: MINUTE, error: 'not yet' },
  dead: { kind: 'dead', error: 'never' },
  released: { kind: 'released' },
}

/** Stores an event and brings its delivery into a state. */
export async function deliveryIn(
  store: ContractStore,
  state: DeliveryState,
  event: NewEvent = anEvent(),
): Promise<Delivery> {
  const eventSeq = await putStored(store, event)
  const { deliverySeq } = only((await detail(store, eventSeq)).deliveries)
  const names = event.destinations.map((name) => ({ name, limit: 100 }))
  if (state === 'cancelled') assert.deepEqual(await store.move([{ deliverySeq, to: 'cancel' }]), ['moved'])
  if (state === 'leased' || state === 'succeeded' || state === 'dead') {
    const lease = await claimOne(store, { destinations: names })
    if (state !== 'leased') assert.equal(await settle(store, lease, OUTCOMES[state]), 'settled')
  }
  return deliveryOf(store, eventSeq)
}

/** An event that must be there. */
export async function detail(store: ContractStore, eventSeq: number): Promise<EventDetail> {
  const found = await store.get(eventSeq)
  if (found === undefined) assert.fail(`Expected event ${eventSeq} to be there`)
  return found
}

/** The only delivery of an event. */
export async function deliveryOf(
  store: ContractStore,
  eventSeq: number,
): Promise<EventDetail['deliveries'][number]> {
  return only((await detail(store, eventSeq)).deliveries)
}

/** How many events the store holds. */
export async function eventCount(store: ContractStore): Promise<number> {
  return (await store.stat()).events
}

/** The only element. */
export function only<T>(values: readonly T[]): T {
  const [first] = values
  if (first === undefined || values.length !== 1) assert.fail(`Expected one value, got ${values.length}`)
  return first
}

/** The element at an index, which must be there. */
export function at<T>(values: readonly T[], index: number): T {
  const value = values[index]
  if (value === undefined) assert.fail(`Expected more than ${index} values, got ${values.length}`)
  return value
}

/** Fails where a promise takes so long that it must have been waiting for something that will not come. */
export async function promptly<T>(
  { patienceMs = 5 * SECOND }: StoreHarness,
  promise: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: 'It still waits' })), patienceMs)
  })
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer))
}

function inWords(result: PutResult | undefined): string {
  return result?.outcome === 'failed' ? `failed: ${result.error.message}` : String(result?.outcome)
}
