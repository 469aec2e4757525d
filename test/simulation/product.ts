/**
 * What the simulation runs: the inbox as it is, and the memory store's verbs, which are the executable specification of
 * every store. Planted bugs are patched copies of this module and of all that it imports.
 *
 * @module
 */
export { createPostern } from '../../packages/postern/src/postern.ts'
export { GroupCommit } from '../../packages/postern/src/inbox/index.ts'
export { NonRetryableError, RetryAfterError } from '../../packages/postern/src/worker/index.ts'
export { claimDue, nextDueMs } from '../../packages/postern/src/stores/memory/claim.ts'
export { Entries } from '../../packages/postern/src/stores/memory/entries.ts'
export { moveOne, prune, replayOne } from '../../packages/postern/src/stores/memory/operate.ts'
export { putOne } from '../../packages/postern/src/stores/memory/put.ts'
export { detailOf, pageOf, statOf } from '../../packages/postern/src/stores/memory/read.ts'
export { RejectedRequests } from '../../packages/postern/src/stores/memory/rejected-requests.ts'
export { extendOne, settleOne } from '../../packages/postern/src/stores/memory/settle.ts'
export { Tables } from '../../packages/postern/src/stores/memory/tables.ts'
