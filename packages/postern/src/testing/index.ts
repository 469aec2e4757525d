/**
 * What proves an adapter: the Store contract as a list of cases.
 *
 * @experimental Cases, clauses and the harness may change in any version.
 * @module
 */
export { storeContract } from './store-contract.ts'
export { CLAUSES, type Clause, type ContractCase } from './store-contract/case.ts'
export type { ContractStore, StoreHarness } from './store-contract/harness.ts'
