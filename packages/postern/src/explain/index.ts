/**
 * Why a request does not verify. An entry of its own, so that no app bundles it by verifying.
 *
 * @module
 */
export { explain, type ExplainOptions } from './explain.ts'
export { CAUSES, type Cause, type Explanation, type Finding } from './finding.ts'
