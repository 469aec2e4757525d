import type { WebhookEvent } from 'postern'
import type { Matches } from '../forward/filter.ts'
import { routesBySource } from '../forward/routes.ts'
import { CHANNELS } from './channel.ts'
import { composerFor, type Compose } from './compose.ts'
import type { Message } from './message.ts'
import type { ResolvedNotification } from './notify-options.ts'
import { isAtLeast, type Severity } from './severity.ts'

interface Weighing {
  readonly when: Matches | undefined
  readonly is: Severity
}

/** Says what of one notification's events is told, and how. */
export class Teller {
  readonly #atLeast: Severity
  readonly #wantsEnds: boolean
  readonly #compose: ReadonlyMap<string, Compose>
  readonly #weighings: ReadonlyMap<string, readonly Weighing[]>

  /** @param providers The name of each source's provider. */
  constructor(options: ResolvedNotification, providers: ReadonlyMap<string, string>) {
    const { notify, severity = [] } = options
    const { wantsEnds } = CHANNELS[notify]
    this.#wantsEnds = wantsEnds
    // Who is woken by it is not woken by news.
    this.#atLeast = options.atLeast ?? (wantsEnds ? 'warning' : 'info')
    this.#compose = new Map([...providers].map(([source, provider]) => [source, composerFor(provider)]))
    this.#weighings = new Map(
      [...providers.keys()].map((source) => [
        source,
        severity.flatMap(({ is, ...route }) =>
          routesBySource(route, [source]).map(({ when }) => ({ when, is })),
        ),
      ]),
    )
  }

  messageOf(event: WebhookEvent): Message {
    const message = (this.#compose.get(event.source) ?? composerFor(undefined))(event)
    const weighing = this.#weighings.get(event.source)?.find(({ when }) => when === undefined || when(event))
    return weighing === undefined ? message : { ...message, severity: weighing.is }
  }

  wants(event: WebhookEvent): boolean {
    if (this.#atLeast === 'info') return true
    const { severity, isEnd } = this.messageOf(event)
    return (isEnd && this.#wantsEnds) || isAtLeast(severity, this.#atLeast)
  }
}
