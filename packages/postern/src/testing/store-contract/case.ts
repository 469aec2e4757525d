import type { ContractStore, StoreHarness } from './harness.ts'

/** The parts of the Store contract, each with at least one case. */
export const CLAUSES = [
  'put/stored',
  'put/duplicate',
  'put/concurrent',
  'put/body-key',
  'put/conflict',
  'put/window',
  'put/apart',
  'put/independent',
  'put/copied',
  'put/on-conflict',
  'put/lease',
  'put/lease-copy',
  'put/lease-in-line',
  'claim/due',
  'claim/order',
  'claim/limit',
  'claim/destination',
  'claim/lease',
  'claim/wait',
  'claim/abort',
  'claim/keep',
  'order/one-at-a-time',
  'order/sequence',
  'order/retry',
  'order/apart',
  'order/unordered',
  'order/shown',
  'order/block',
  'order/continue',
  'order/policy',
  'order/operated',
  'order/fair',
  'order/wait',
  'order/extend',
  'order/prune',
  'settle/outcome',
  'settle/attempts',
  'settle/fence',
  'settle/retry',
  'settle/released',
  'settle/independent',
  'settle/effects',
  'settle/all-or-nothing',
  'settle/effects-undone',
  'extend/prolongs',
  'extend/fence',
  'lifecycle/move',
  'lifecycle/settle',
  'lifecycle/claim',
  'get/detail',
  'list/order',
  'list/page',
  'list/filter',
  'list/oldest-first',
  'replay/new-delivery',
  'replay/unknown',
  'prune/events',
  'prune/keeps',
  'prune/dedupe',
  'prune/limit',
  'stat/counts',
  'stat/commits',
  'inspect',
  'close/refuses',
  'close/waiting',
  'exact/bytes',
  'exact/text',
  'rejected/kept',
  'rejected/once',
  'rejected/bounded',
  'rejected/apart',
  'rejected/page',
  'rejected/filter',
  'state/entries',
  'state/expiry',
  'durable',
] as const

/** The part of the Store contract that a case proves: one of `CLAUSES`. */
export type Clause = (typeof CLAUSES)[number]

/** One behaviour that every store must show. */
export interface ContractCase {
  readonly name: string
  readonly clause: Clause
  /** Rejects with an `AssertionError` where the store does not show it. */
  run(harness: StoreHarness): Promise<void>
}

/** What a case does with the store that was opened for it. */
export type CaseBody = (store: ContractStore, harness: StoreHarness) => Promise<void>

/** The cases of one clause, by name. */
export function cases(clause: Clause, bodies: Readonly<Record<string, CaseBody>>): readonly ContractCase[] {
  return Object.entries(bodies).map(([name, body]) => ({
    name,
    clause,
    run: async (harness) => body(await harness.open(), harness),
  }))
}
