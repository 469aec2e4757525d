import type { ContractCase } from './store-contract/case.ts'
import { claimCases } from './store-contract/claim.ts'
import { dedupeCases } from './store-contract/dedupe.ts'
import { durableCases } from './store-contract/durable.ts'
import { effectCases } from './store-contract/effects.ts'
import { exactCases } from './store-contract/exact.ts'
import { extendCases } from './store-contract/extend.ts'
import { inspectCases } from './store-contract/inspect.ts'
import { keepCases } from './store-contract/keep.ts'
import { leaseAtPutCases } from './store-contract/lease-at-put.ts'
import { leaseInLineCases } from './store-contract/lease-in-line.ts'
import { lifecycleCases } from './store-contract/lifecycle.ts'
import { operateCases } from './store-contract/operate.ts'
import { orderDeadCases } from './store-contract/order-dead.ts'
import { orderKeptCases } from './store-contract/order-kept.ts'
import { orderCases } from './store-contract/order.ts'
import { orderWaitCases } from './store-contract/order-wait.ts'
import { putCases } from './store-contract/put.ts'
import { oldestFirstCases } from './store-contract/oldest-first.ts'
import { readCases } from './store-contract/read.ts'
import { rejectedCases } from './store-contract/rejected.ts'
import { settleCases } from './store-contract/settle.ts'
import { stateCases } from './store-contract/state.ts'
import { waitCases } from './store-contract/wait.ts'

/**
 * The Store contract as a list of cases, for any test runner. A store is one that passes them all, but for clauses
 * that its kind cannot keep and that are skipped with a reason.
 *
 * ```ts
 * for (const { clause, name, run } of storeContract) {
 *   test(`${clause}: ${name}`, async () => {
 *     const harness = myStoreHarness()
 *     await run(harness).finally(() => harness.dispose())
 *   })
 * }
 * ```
 *
 * @experimental Cases may be added or sharpened in any version.
 */
export const storeContract: readonly ContractCase[] = [
  ...putCases,
  ...dedupeCases,
  ...leaseAtPutCases,
  ...leaseInLineCases,
  ...claimCases,
  ...waitCases,
  ...keepCases,
  ...orderCases,
  ...orderDeadCases,
  ...orderKeptCases,
  ...orderWaitCases,
  ...settleCases,
  ...effectCases,
  ...lifecycleCases,
  ...extendCases,
  ...readCases,
  ...oldestFirstCases,
  ...inspectCases,
  ...operateCases,
  ...exactCases,
  ...rejectedCases,
  ...stateCases,
  ...durableCases,
]
