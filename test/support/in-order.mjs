// Reads the lines of order workers, and counts what is not in order.

/**
 * @typedef {object} Run
 * @property {string} worker
 * @property {number} n Which event of its key.
 * @property {bigint} beganNs
 * @property {bigint | undefined} endedNs
 * @property {boolean} succeeded
 *
 * @typedef {object} Order
 * @property {number} runs
 * @property {number} failures
 * @property {number} cutOff Runs whose worker was killed.
 * @property {number} repeats Runs of what had succeeded: its worker was killed before that was settled.
 * @property {number} overlaps Runs that began while another one of their key was not over.
 * @property {number} outOfOrder Runs that began before the one before them had succeeded, or after a later one.
 * @property {number} missing Events that never succeeded.
 */

/**
 * @param {readonly (readonly [worker: string, lines: string])[]} logs
 * @param {{ keys: number, events: number, killedAtNs: ReadonlyMap<string, bigint> }} all
 * @returns {Order}
 */
export function inOrder(logs, { keys, events, killedAtNs }) {
  const found = { runs: 0, failures: 0, cutOff: 0, repeats: 0, overlaps: 0, outOfOrder: 0, missing: 0 }
  const byKey = runsByKey(logs)
  for (let key = 0; key < keys; key += 1) countOf(byKey.get(key) ?? [], events, killedAtNs, found)
  return found
}

/** @param {readonly Run[]} runs @param {number} events @param {ReadonlyMap<string, bigint>} killedAtNs @param {Order} found */
function countOf(runs, events, killedAtNs, found) {
  const sorted = runs.toSorted((left, right) => (left.beganNs < right.beganNs ? -1 : 1))
  /** How many have succeeded, from the first on. */
  let done = 0
  let freeFromNs = 0n
  for (const run of sorted) {
    const { worker, n, beganNs, endedNs, succeeded } = run
    found.runs += 1
    if (beganNs < freeFromNs) found.overlaps += 1
    if (n !== done && n !== done - 1) found.outOfOrder += 1
    if (n === done - 1) found.repeats += 1
    if (endedNs === undefined) found.cutOff += 1
    else if (!succeeded) found.failures += 1
    if (succeeded && n === done) done += 1
    // A run without an end lasted until its worker was killed; one without a killer is not over yet.
    const endNs = endedNs ?? killedAtNs.get(worker) ?? 2n ** 63n
    freeFromNs = endNs > freeFromNs ? endNs : freeFromNs
  }
  found.missing += events - done
}

/** @param {readonly (readonly [worker: string, lines: string])[]} logs */
function runsByKey(logs) {
  /** @type {Map<number, Run[]>} */
  const byKey = new Map()
  for (const [worker, lines] of logs) {
    /** @type {Map<string, Run>} */
    const open = new Map()
    // A kill may have cut the last line in two.
    for (const line of lines
      .slice(0, lines.lastIndexOf('\n') + 1)
      .trimEnd()
      .split('\n')) {
      const [kind = '', key = '', n = '', ns = ''] = line.split(' ')
      const name = `${key}/${n}`
      if (kind === 'b') {
        const run = { worker, n: Number(n), beganNs: BigInt(ns), endedNs: undefined, succeeded: false }
        open.set(name, run)
        byKey.set(Number(key), [...(byKey.get(Number(key)) ?? []), run])
        continue
      }
      const run = open.get(name)
      if (run === undefined) continue
      run.endedNs = BigInt(ns)
      run.succeeded = kind === 's'
      open.delete(name)
    }
  }
  return byKey
}
