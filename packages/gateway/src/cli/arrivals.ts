import { setTimeout as pause } from 'node:timers/promises'
import * as v from 'valibot'
import type { CliContext } from './context.ts'
import { adminClient, type AdminClient } from './operate/admin-client.ts'

/** An event, as the admin API lists it. */
export interface ListedEvent {
  readonly eventSeq: number
  readonly id: string
  readonly type: string
  readonly verifiedBy: string
}

/** When a secret of a source last matched. */
export interface ListedSecret {
  readonly source: string
  /** From 1, newest first. */
  readonly position: number
  readonly lastMatched?: string | undefined
}

const events = v.object({
  events: v.array(
    v.object({ eventSeq: v.number(), id: v.string(), type: v.string(), verifiedBy: v.string() }),
  ),
})
const secrets = v.object({
  secrets: v.array(
    v.object({ source: v.string(), position: v.number(), lastMatched: v.optional(v.string()) }),
  ),
})

const LOOK_EVERY_MS = 100

/**
 * What has arrived at the running gateway, by its admin API. Not by its store: that is the same question for every store, and needs
 * no second opener of a file.
 */
export class Arrivals {
  readonly #admin: AdminClient

  constructor(context: Pick<CliContext, 'env'>) {
    this.#admin = adminClient(context)
  }

  /** The newest event of a source and type; `'unreachable'` where nobody answers or lets us ask. */
  async newest(source: string, type: string): Promise<ListedEvent | undefined | 'unreachable'> {
    const query = new URLSearchParams({ source, type, limit: '1' }).toString()
    const listed = await this.#ask(`/api/events?${query}`, events)
    return listed === 'unreachable' ? listed : listed.events[0]
  }

  /** A secret of a source by its position; `undefined` where it is not there, or nobody says. */
  async secret(source: string, position: number): Promise<ListedSecret | undefined> {
    const listed = await this.#ask('/api/secrets', secrets)
    if (listed === 'unreachable') return undefined
    return listed.secrets.find((each) => each.source === source && each.position === position)
  }

  /** The first event that comes after another one; `undefined` where none does in time. */
  async next(
    source: string,
    type: string,
    { after, withinMs }: { readonly after: number; readonly withinMs: number },
  ): Promise<ListedEvent | undefined> {
    const untilMs = performance.now() + withinMs
    for (;;) {
      const found = await this.newest(source, type)
      if (typeof found === 'object' && found.eventSeq > after) return found
      if (performance.now() >= untilMs) return undefined
      await pause(LOOK_EVERY_MS)
    }
  }

  async #ask<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T | 'unreachable'> {
    const body = await this.#admin.get(path).catch(() => undefined)
    const checked = v.safeParse(schema, body)
    return checked.success ? checked.output : 'unreachable'
  }
}
