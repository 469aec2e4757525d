import type { Logger } from '../core/index.ts'
import type { Store } from '../inbox/index.ts'

export interface HousekeepingSettings {
  readonly store: Pick<Store, 'prune'>
  /** How long finished events are kept. */
  readonly retentionMs: number
  readonly log: Logger
}

const EVERY_MS = 60_000
/** Rows of each kind in one commit: some 5 ms of the writer's time. */
const BATCH_ROWS = 500
/** Batches in one round, so that a large backlog of old rows never holds the writer for long. */
const MOST_BATCHES = 100

/** Deletes what is past its time, in small batches, once a minute and with every drain. */
export class Housekeeping {
  readonly #settings: HousekeepingSettings
  #timer: NodeJS.Timeout | undefined
  #underWay: Promise<void> | undefined
  #isStopped = false

  constructor(settings: HousekeepingSettings) {
    this.#settings = settings
  }

  /** Starts the rounds; they keep no process alive. */
  start(): void {
    if (this.#isStopped) return
    this.#timer ??= setInterval(() => void this.once(), EVERY_MS).unref()
  }

  /** One round; never rejects. A second call during a round waits for that one. */
  once(): Promise<void> {
    this.#underWay ??= this.#round().finally(() => (this.#underWay = undefined))
    return this.#underWay
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#timer)
    await this.#underWay
  }

  async #round(): Promise<void> {
    const { store, retentionMs, log } = this.#settings
    try {
      for (let batch = 0; batch < MOST_BATCHES && !this.#isStopped; batch += 1) {
        const { events, dedupeRecords } = await store.prune({
          eventsOlderThanMs: retentionMs,
          limit: BATCH_ROWS,
        })
        if (events < BATCH_ROWS && dedupeRecords < BATCH_ROWS) return
      }
    } catch (error) {
      log.warn('what is past its time could not be deleted; trying again in a minute', { error })
    }
  }
}
