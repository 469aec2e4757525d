import type { Postern } from 'postern'
import { inboxFamilies, type InboxFacts } from './inbox-metrics.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { prometheusText } from './prometheus-text.ts'

/** What `/metrics` says. */
export class GatewayMetrics {
  readonly #process = new ProcessMetrics()
  readonly #inbox: Pick<Postern, 'metrics'>
  readonly #facts: InboxFacts

  constructor(inbox: Pick<Postern, 'metrics'>, facts: InboxFacts) {
    this.#inbox = inbox
    this.#facts = facts
  }

  /** Rejects where the store does not answer. */
  readonly text = async (): Promise<string> => {
    const inbox = inboxFamilies(await this.#inbox.metrics(), this.#facts)
    return prometheusText([...inbox, ...(await this.#process.read())])
  }

  stop(): void {
    this.#process.stop()
  }
}
