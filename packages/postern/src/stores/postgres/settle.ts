import { effectBounds, toError, type Outcome, type Settlement, type SettleResult } from '../../inbox/index.ts'
import { plainArray, textArray } from './array-literal.ts'
import type { PostgresClient, PostgresEffect } from './client.ts'
import { isLockTimeout } from './failure.ts'
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

export interface SettleOptions {
  readonly schema: string
  readonly offsetMs: number
  /** How long to wait for what another transaction holds. */
  readonly lockTimeoutMs: number
}

/**
 * Ends leases that have no effects, each fenced by its token. A delivery that comes twice is settled in turn. No result for those
 * that went together with one that another transaction holds: of them nothing is settled.
 */
export async function settleAll(
  server: Server,
  settlements: readonly PostgresSettlement[],
  { schema, offsetMs, lockTimeoutMs }: SettleOptions,
): Promise<{ readonly results: (SettleResult | undefined)[]; readonly bringsWork: boolean }> {
  const results: (SettleResult | undefined)[] = []
  let bringsWork = false
  for (const run of runsOf(settlements)) {
    const row = await settleRun(server, settleOwnText(schema), [
      lockTimeoutMs,
      ...settleValues(run, offsetMs),
    ])
    results.push(...(row === undefined ? run.map(() => undefined) : resultsOf(run, row)))
    bringsWork ||= row?.brings_work === true
  }
  return { results, bringsWork }
}

async function settleRun(server: Server, text: string, values: unknown[]): Promise<SettledRow | undefined> {
  try {
    return await server.call<SettledRow>(text, values)
  } catch (error) {
    if (isLockTimeout(error)) return undefined
    throw error
  }
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
    const client = clientForEffects(tx)
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

/** A savepoint of the effect's own is none of them. */
const boundsProblem = effectBounds(
  String.raw`COMMIT|END|ABORT|PREPARE\s+TRANSACTION|ROLLBACK(?!\s+((WORK|TRANSACTION)\s+)?TO\b)`,
)

/** No more of the connection than its queries: an effect must not give it back to the pool. */
function clientForEffects(tx: Transaction): PostgresClient {
  return {
    query: async (text, values) => {
      const outOfBounds = boundsProblem(text)
      if (outOfBounds !== undefined) throw new Error(outOfBounds)
      return tx.client.query(text, values)
    },
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

function settleOwnText(schema: string): string {
  return `SELECT * FROM ${schema}.settle_own_1($1, $2, $3, $4, $5, $6, $7, $8)`
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
