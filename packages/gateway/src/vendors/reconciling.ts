import type { HasSmallState, Postern, Store } from 'postern'
import * as v from 'valibot'
import type { ApiClient, ApiResult, Pause } from './api-client.ts'

/** What to read at a vendor, to find out what no webhook told. Made by a vendor's own function; goes into `reconcile`. */
export interface Reconciliation {
  readonly title: string
  readonly origin: string
  /** The variable with the API's key. */
  readonly keyVariable: string
  /** Said of what it finds: `verifiedBy` is `record:<witness>`. */
  readonly witness: string
  /** What is looked at, in one word: types are `reconciled.<kind>_changed`, `_found` and `_gone`. */
  readonly kind: string
  readonly everyMs: number
  /** Event types after which it is worth a look, so long afterwards. */
  readonly hints: readonly string[]
  readonly afterHintMs: number
  /** Everything that is there, or a failure: a part of it would make the rest look gone. */
  readonly look: (client: ApiClient, pause: Pause) => Promise<ApiResult<readonly Seen[]>>
  /** Whether an event that the vendor sent tells of this change. */
  readonly tells: (change: Change, event: { readonly type: string; readonly data: unknown }) => boolean
  /** The types of events that may tell of one. */
  readonly telling: readonly string[]
}

/** One thing at the vendor, as it is now. */
export interface Seen {
  readonly id: string
  readonly state: string
  /** Goes into the event beside the change; nothing secret. */
  readonly facts: Readonly<Record<string, string | number | null>>
}

export interface Change {
  readonly id: string
  readonly what: 'changed' | 'found' | 'gone'
  readonly from: string | null
  readonly to: string | null
}

export interface ReconcilingOptions {
  readonly reconciliation: Reconciliation
  readonly source: string
  readonly client: ApiClient
  readonly record: Postern['record']
  readonly store: Pick<Store, 'get' | 'list'> & HasSmallState
  readonly now: () => number
  readonly pause: Pause
}

export type Reconciled =
  | {
      readonly ok: true
      /** The first look only remembers what is there. */
      readonly isFirst: boolean
      readonly seen: number
      /** Recorded now, and not before. */
      readonly recorded: readonly Change[]
      /** Changes that a webhook has told. */
      readonly told: number
    }
  | { readonly ok: false; readonly message: string }

/** A thing that is gone is remembered so long, so that its numbers are not given anew should it come back. */
const GONE_FOR_MS = 30 * 24 * 60 * 60 * 1000
const LOOKED_THROUGH = 1000
const READ_THROUGH = 200

/**
 * Looks at a vendor's API, and records what changed since the last look and was told by no webhook, as events of a type of its own.
 *
 * What was seen is remembered in the store's small state after its event is recorded. A crash in between, or another node at the
 * same time, records the same event under the same id: a duplicate.
 */
export async function reconcile(options: ReconcilingOptions): Promise<Reconciled> {
  const { reconciliation, source, client, store, pause, now } = options
  const before = await readCursor(store, source)
  const newestSeq = (await store.list({ of: 'events', source, limit: 1 })).events[0]?.eventSeq ?? 0
  const looked = await reconciliation.look(client, pause)
  if (!looked.ok) return { ok: false, message: looked.message }
  const known = await readKnown(store, source)
  const changes = changesOf(known, looked.value)
  const tidings = before === undefined ? [] : await readTidings(options, before.seq)
  const recorded: Change[] = []
  let told = 0
  for (const { change, facts, number } of changes) {
    const isTold = takeTiding(tidings, reconciliation, change)
    if (isTold) told += 1
    else if (before !== undefined && (await recordChange(options, change, facts, number)))
      recorded.push(change)
    await remember(store, source, change, number)
  }
  await store.state.set(cursorKey(source), JSON.stringify({ atMs: now(), seq: newestSeq }))
  return { ok: true, isFirst: before === undefined, seen: looked.value.length, recorded, told }
}

/** When a source was last looked at to the end; `undefined` where it never was. */
export async function lastLookMs(store: HasSmallState, source: string): Promise<number | undefined> {
  return (await readCursor(store, source))?.atMs
}

interface Known {
  readonly state: string | null
  /** How many changes of it there were. */
  readonly number: number
}

interface NumberedChange {
  readonly change: Change
  readonly facts: Seen['facts']
  readonly number: number
}

function changesOf(known: ReadonlyMap<string, Known>, seen: readonly Seen[]): readonly NumberedChange[] {
  const now = new Map(seen.map((each) => [each.id, each]))
  const changed = [...now.values()].flatMap(({ id, state, facts }): readonly NumberedChange[] => {
    const was = known.get(id)
    if (was?.state === state) return []
    const from = was?.state ?? null
    const what = from === null ? 'found' : 'changed'
    return [{ change: { id, what, from, to: state }, facts, number: (was?.number ?? 0) + 1 }]
  })
  const gone = [...known].flatMap(([id, was]): readonly NumberedChange[] =>
    now.has(id) || was.state === null
      ? []
      : [{ change: { id, what: 'gone', from: was.state, to: null }, facts: {}, number: was.number + 1 }],
  )
  return [...changed, ...gone]
}

/** `true` where it was not recorded before. */
async function recordChange(
  { reconciliation, source, record }: ReconcilingOptions,
  { id, what, from, to }: Change,
  facts: Seen['facts'],
  number: number,
): Promise<boolean> {
  const { kind, witness } = reconciliation
  const body = { recorded_by: 'postern reconcile', [`${kind}_id`]: id, change: what, from, to, ...facts }
  const { outcome } = await record(source, {
    id: `reconciled:${kind}:${id}:${number}:${to ?? 'gone'}`.slice(0, 255),
    type: `reconciled.${kind}_${what}`,
    witness,
    body: JSON.stringify(body),
  })
  return outcome === 'stored'
}

interface Tiding {
  readonly type: string
  readonly data: unknown
}

/** What the vendor has sent since the last look, of the types that could tell of a change. */
async function readTidings(
  { store, source, reconciliation }: ReconcilingOptions,
  seq: number,
): Promise<Tiding[]> {
  const { events } = await store.list({ of: 'events', source, limit: LOOKED_THROUGH })
  const fresh = events
    .filter(({ eventSeq, type }) => eventSeq > seq && reconciliation.telling.includes(type))
    .slice(0, READ_THROUGH)
  const details = await Promise.all(fresh.map(({ eventSeq }) => store.get(eventSeq)))
  return details.flatMap((detail) =>
    detail === undefined || detail.event.verifiedBy.startsWith('record:')
      ? []
      : [{ type: detail.event.type, data: parse(Buffer.from(detail.event.body).toString('utf8')) }],
  )
}

/** Each tells of one change at most. */
function takeTiding(tidings: Tiding[], { tells }: Reconciliation, change: Change): boolean {
  const index = tidings.findIndex((tiding) => tells(change, tiding))
  if (index < 0) return false
  tidings.splice(index, 1)
  return true
}

async function remember(
  { state }: HasSmallState,
  source: string,
  { id, to }: Change,
  number: number,
): Promise<void> {
  const value = JSON.stringify({ state: to, number } satisfies Known)
  await state.set(`${seenPrefix(source)}${id}`, value, to === null ? { forMs: GONE_FOR_MS } : {})
}

async function readKnown({ state }: HasSmallState, source: string): Promise<ReadonlyMap<string, Known>> {
  const prefix = seenPrefix(source)
  const entries = await state.list(prefix)
  return new Map(
    entries.flatMap(({ key, value }) => {
      const checked = v.safeParse(known, parse(value))
      return checked.success ? [[key.slice(prefix.length), checked.output] as const] : []
    }),
  )
}

async function readCursor(
  { state }: HasSmallState,
  source: string,
): Promise<{ readonly atMs: number; readonly seq: number } | undefined> {
  const checked = v.safeParse(cursor, parse((await state.get(cursorKey(source))) ?? ''))
  return checked.success ? checked.output : undefined
}

const known = v.object({ state: v.nullable(v.string()), number: v.number() })
const cursor = v.object({ atMs: v.number(), seq: v.number() })

function cursorKey(source: string): string {
  return `reconcile/${source}`
}

function seenPrefix(source: string): string {
  return `reconcile/${source}/seen/`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
