import type { Lease, Outcome, Settlement, SettleResult } from '../../inbox/index.ts'
import { plainArray, textArray } from './array-literal.ts'
import type { PostgresClient, PostgresEffect } from './client.ts'
import { toError } from './failure.ts'
import type { Server, Transaction } from './server.ts'

export type PostgresSettlement = Settlement<PostgresEffect>

export interface Settled {
  readonly results: SettleResult[]
  /** Whether there is something to claim that was not before. */
  readonly bringsWork: boolean
}

interface SettledRow {
  readonly places: string
  readonly brings_work: boolean
}

/** Ends leases that have no effects, each fenced by its token. A delivery that comes twice is settled in turn. */
export async function settleAll(
  server: Server,
  schema: string,
  settlements: readonly PostgresSettlement[],
  offsetMs: number,
): Promise<Settled> {
  const results: SettleResult[] = []
  let bringsWork = false
  for (const run of runsOf(settlements)) {
    const row = await server.call<SettledRow>(settleText(schema), settleValues(run, offsetMs))
    results.push(...resultsOf(run, row))
    bringsWork ||= row.brings_work
  }
  return { results, bringsWork }
}

/**
 * Ends leases with effects in one transaction, in the order given. Their locks are taken beforehand, in the order that
 * everyone keeps.
 */
export async function settleWithEffects(
  tx: Transaction,
  schema: string,
  settlements: readonly PostgresSettlement[],
  offsetMs: number,
): Promise<Settled> {
  await tx.rows(`SELECT ${schema}.lock_1($1)`, [
    plainArray(settlements.map(({ deliverySeq }) => deliverySeq)),
  ])
  const results: SettleResult[] = []
  let bringsWork = false
  for (const settlement of settlements) {
    const settled = await settleOne(tx, schema, settlement, offsetMs)
    results.push(...settled.results)
    bringsWork ||= settled.bringsWork
  }
  return { results, bringsWork }
}

/** Ends one lease in a transaction that the user has opened. Its time is that of the statement. */
export async function settleIn(
  tx: PostgresClient,
  schema: string,
  lease: Lease,
  { durationMs, offsetMs }: { readonly durationMs: number; readonly offsetMs: number },
): Promise<'settled' | 'lost'> {
  const settlement = { ...lease, durationMs, outcome: { kind: 'succeeded' } } as const
  const result = await tx.query(settleText(schema), settleValues([settlement], offsetMs))
  const rows = 'rows' in result ? result.rows : []
  // The function answers with one row of this kind.
  const row = rows[0] as SettledRow | undefined
  if (row === undefined) throw new Error('the transaction answered settleIn with no row')
  return row.places === '[1]' ? 'settled' : 'lost'
}

/** A savepoint of its own, so that a failing effect undoes this settlement and no other. */
async function settleOne(
  tx: Transaction,
  schema: string,
  settlement: PostgresSettlement,
  offsetMs: number,
): Promise<Settled> {
  await tx.rows('SAVEPOINT settlement')
  try {
    const [row] = await tx.rows<SettledRow>(settleText(schema), settleValues([settlement], offsetMs))
    if (row === undefined) throw new Error('the server answered a function with no row')
    const results = resultsOf([settlement], row)
    // No more of the connection than its queries: an effect must not give it back to the pool.
    const client: PostgresClient = { query: (text, values) => tx.client.query(text, values) }
    if (results[0]?.result === 'settled') for (const effect of settlement.effects ?? []) await effect(client)
    // Where an effect has passed over an error of its own, this is what fails.
    await tx.rows('RELEASE SAVEPOINT settlement')
    return { results, bringsWork: row.brings_work }
  } catch (error) {
    await tx.rows('ROLLBACK TO SAVEPOINT settlement')
    await tx.rows('RELEASE SAVEPOINT settlement')
    return { results: [{ result: 'failed', error: toError(error) }], bringsWork: false }
  }
}

/** In order, in runs in which no delivery comes twice. */
function runsOf(settlements: readonly PostgresSettlement[]): readonly (readonly PostgresSettlement[])[] {
  const runs: PostgresSettlement[][] = []
  let seen = new Set<number>()
  for (const settlement of settlements) {
    if (runs.length === 0 || seen.has(settlement.deliverySeq)) {
      runs.push([])
      seen = new Set()
    }
    runs.at(-1)?.push(settlement)
    seen.add(settlement.deliverySeq)
  }
  return runs
}

function settleText(schema: string): string {
  return `SELECT * FROM ${schema}.settle_1($1, $2, $3, $4, $5, $6, $7)`
}

function settleValues(run: readonly PostgresSettlement[], offsetMs: number): unknown[] {
  return [
    plainArray(run.map(({ deliverySeq }) => deliverySeq)),
    plainArray(run.map(({ token }) => token)),
    plainArray(run.map(({ outcome }) => outcome.kind)),
    plainArray(run.map(({ outcome }) => Math.ceil(waitMsOf(outcome)))),
    textArray(run.map(({ outcome }) => errorOf(outcome))),
    plainArray(run.map(({ durationMs }) => Math.ceil(durationMs))),
    offsetMs,
  ]
}

function resultsOf(run: readonly PostgresSettlement[], { places }: SettledRow): SettleResult[] {
  // Written by the function.
  const settled = new Set(JSON.parse(places) as number[])
  return run.map((_settlement, index) => ({ result: settled.has(index + 1) ? 'settled' : 'lost' }))
}

function waitMsOf(outcome: Outcome): number {
  return outcome.kind === 'retry' || outcome.kind === 'released' ? (outcome.afterMs ?? 0) : 0
}

function errorOf(outcome: Outcome): string | null {
  return outcome.kind === 'retry' || outcome.kind === 'dead' ? outcome.error : null
}
