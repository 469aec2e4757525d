import { PARTITION_EVENTS } from './migrations/tables.ts'
import type { Server } from './server.ts'

/** Partitions that are made ahead: a million events each, at the fastest some half a minute. */
const AHEAD = 2

/** Makes the partitions that coming events will go to, before any does. */
export class Rooms {
  readonly #server: Server
  readonly #schema: string
  #made = 1
  #underWay: Promise<void> | undefined

  constructor(server: Server, schema: string) {
    this.#server = server
    this.#schema = schema
  }

  /** Told of each number drawn. Never waits, and never fails: the next number tries again. */
  reached(seq: number): void {
    const wanted = Math.floor(seq / PARTITION_EVENTS) + AHEAD
    if (wanted <= this.#made || this.#underWay !== undefined) return
    this.#underWay = this.#makeUpTo(wanted)
      .catch(() => {})
      .finally(() => (this.#underWay = undefined))
  }

  async idle(): Promise<void> {
    await this.#underWay
  }

  async #makeUpTo(wanted: number): Promise<void> {
    while (this.#made < wanted) {
      await this.#server.transaction((tx) =>
        tx.rows(`SELECT ${this.#schema}.make_room_1($1)`, [this.#made + 1]),
      )
      this.#made += 1
    }
  }
}
