/** What `scripts/proofs/fuzz.mjs` bundles. */
export { PLANTED_BUGS } from './planted-bugs.ts'
export { firstFailure, targets } from './targets.ts'
export { targetsWith } from './with-bug.ts'
