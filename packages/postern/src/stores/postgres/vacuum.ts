import type { PostgresPool } from './client.ts'

/**
 * Deliveries that end between two rounds: at 15,000 a second one every seven seconds, of some 100 ms. Claims look through the
 * places of what has ended since the last, some 50 pages for 10,000; autovacuum comes once a minute.
 */
const EVERY_DELIVERIES = 100_000

/**
 * Clears the places of deliveries that have ended, so that claims under load do not look through them: after so many, and with the
 * first that end, since a process that has stopped may have left as many. Draining right after the start of a process that
 * followed another's million took 22 s for 20,000 deliveries without that, and 1 s with it.
 */
export class Vacuum {
  readonly #pool: PostgresPool
  readonly #text: string
  readonly #everyDeliveries: number
  #isFirst = true
  #ended = 0
  #underWay: Promise<void> | undefined

  /** @param schema As SQL. */
  constructor(pool: PostgresPool, schema: string, everyDeliveries: number = EVERY_DELIVERIES) {
    this.#pool = pool
    // Neither locks out anybody, nor waits for another node that is at it.
    this.#text = `VACUUM (TRUNCATE off, SKIP_LOCKED) ${schema}.delivery`
    this.#everyDeliveries = everyDeliveries
  }

  /** Told of deliveries that have ended. Never waits, and never fails: autovacuum is there still. */
  ended(count: number): void {
    this.#ended += count
    if ((this.#ended < this.#everyDeliveries && !this.#isFirst) || this.#underWay !== undefined) return
    this.#isFirst = false
    this.#ended = 0
    this.#underWay = this.#run().finally(() => (this.#underWay = undefined))
  }

  async idle(): Promise<void> {
    await this.#underWay
  }

  async #run(): Promise<void> {
    try {
      await this.#pool.query(this.#text)
    } catch {
      // The server is out of reach, or the role does not own the table.
    }
  }
}
