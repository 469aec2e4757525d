// What a store holds, for those who broke it and now want to know.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const SCRIPT = fileURLToPath(new URL('./inspect-store.mjs', import.meta.url))
/** Some 40 bytes for each id. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024

/**
 * @typedef {object} Stored
 * @property {readonly string[]} ids Of all events, one for each event.
 * @property {readonly string[]} altered Ids whose bytes are not those that were sent.
 * @property {ReadonlyMap<string, number>} effects How many rows the handlers' transactions have left, by id.
 * @property {readonly string[]} succeeded Ids whose delivery is done.
 * @property {readonly string[]} dead Ids whose delivery is a dead letter.
 * @property {readonly string[]} open Ids with a delivery that has not come to an end.
 * @property {string} integrity What the engine finds wrong: `ok` where nothing is.
 */

/**
 * Reads what nobody uses any more.
 * @param {string} place
 * @param {'whole' | 'ids'} [depth] `ids` reads no bodies and no deliveries, which takes a hundredth of the time.
 * @returns {Promise<Stored>}
 */
export async function readStored(place, depth = 'whole') {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, place, depth], {
    maxBuffer: MAX_OUTPUT_BYTES,
  })
  const { effects, ...stored } = JSON.parse(stdout)
  return { ...stored, effects: new Map(effects) }
}
