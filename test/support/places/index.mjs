// A store is at a place: an SQLite file, `postgres://…` or `redis://…`. What a harness has to know of each kind stands in
// a file of its own; the harnesses themselves speak of places.
import { postgresPlace } from './postgres.mjs'
import { redisPlace } from './redis.mjs'
import { sqlitePlace } from './sqlite.mjs'

/**
 * @typedef {object} OpenOptions
 * @property {string} [driver] What SQLite is loaded from, where it is not the store's own choice.
 * @property {'inline' | 'thread'} [writer] Where SQLite writes.
 * @property {boolean} [mayLose] Told in so many words that acknowledged events may be lost.
 *
 * @typedef {object} Opened
 * @property {import('postern').Store<any>} store
 * @property {() => Promise<void>} close Lets go of the client, which the store does not own.
 * @property {(id: string, attempt: number, settleIn: (tx: any) => Promise<void>) => Promise<void>} [inOwnTransaction] The
 *   effect and the settle in a transaction that the handler opens itself, where the store can.
 *
 * @typedef {object} Place
 * @property {(options?: OpenOptions) => Promise<Opened>} open
 * @property {() => Promise<void>} prepare Makes room for the effects of handlers. Costs nothing when done before.
 * @property {(id: string, attempt: number) => unknown} effect What a handler hands to `tx`: one more for this id.
 * @property {() => Promise<[id: string, count: number][]>} readEffects
 * @property {() => Promise<string>} integrity What the engine finds wrong: `ok` where nothing is.
 */

/** The first whose beginning fits. @type {readonly { start: RegExp, make: (place: string) => Place }[]} */
const KINDS = [
  { start: /^postgres(ql)?:/, make: postgresPlace },
  { start: /^rediss?:/, make: redisPlace },
  { start: /^/, make: sqlitePlace },
]

/** @param {string} place @returns {Place} */
export function placeAt(place) {
  const { make } = KINDS.find(({ start }) => start.test(place)) ?? KINDS[KINDS.length - 1]
  return make(place)
}
