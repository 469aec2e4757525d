import { escapeUnprintable } from '../observe/escape.ts'
import type { CliContext } from './context.ts'
import type { Sent } from './send.ts'

export interface TriggerReportOptions {
  readonly context: Pick<CliContext, 'stderr' | 'stdout'>
  readonly url: string
  readonly secretFrom: string
  readonly count: number
  readonly isJson: boolean
}

/** More answers than this are summed up. */
const SHOWN_ANSWERS = 20
const NOT_SENT = 'not sent'

/** Prints what came back: a line for each answer, or a summary of many; with `--json` an object for each. */
export class TriggerReport {
  readonly #options: TriggerReportOptions
  readonly #tally = new Map<string, number>()
  readonly #durations: number[] = []
  readonly #told = new Set<string>()
  #isRefused = false
  #isUnauthorised = false
  #isUnknown = false
  isAllOk = true

  constructor(options: TriggerReportOptions) {
    this.#options = options
  }

  add(sent: Sent): void {
    this.isAllOk &&= sent.ok
    this.#isUnauthorised ||= sent.status === 401
    this.#isUnknown ||= sent.status === 404
    this.#durations.push(sent.ms)
    const { isJson, count } = this.#options
    const label = sent.status === undefined ? NOT_SENT : statusOf(sent)
    this.#tally.set(label, (this.#tally.get(label) ?? 0) + 1)
    if (sent.status === undefined && !isJson) return this.#failed(sent)
    if (isJson) return this.#print(JSON.stringify(sent))
    if (sent.status !== undefined && count <= SHOWN_ANSWERS) {
      this.#print(`${statusOf(sent)}  ${escapeUnprintable(sent.body, 1000)}  ${Math.round(sent.ms)} ms`)
    }
  }

  /** What is to be said once. */
  end(): void {
    const { isJson, count, secretFrom, context } = this.#options
    const isAnswered = [...this.#tally.keys()].some((label) => label !== NOT_SENT)
    if (!isJson && count > SHOWN_ANSWERS && isAnswered) this.#print(this.#summary())
    if (!isJson && this.#isUnauthorised) {
      context.stderr.write(
        `Signed with the secret from ${secretFrom}. If the receiver has another one, set that.\n`,
      )
    }
    if (!isJson && this.#isUnknown)
      context.stderr.write(`Nothing takes webhooks at this path; a gateway does at /webhooks/<source>\n`)
  }

  #failed(sent: Sent & { readonly status: undefined }): void {
    const { url, context } = this.#options
    if (this.#isRefused) return
    this.#isRefused = sent.isRefused
    const shown = escapeUnprintable(new URL(url).origin)
    const text = sent.isRefused
      ? `Nothing listens at ${shown}. Start the gateway in another terminal: npx postern dev`
      : `${shown} gave no answer: ${escapeUnprintable(sent.error)}`
    if (this.#told.has(text)) return
    this.#told.add(text)
    context.stderr.write(`${text}\n`)
  }

  #summary(): string {
    const answers = [...this.#tally].map(([label, count]) => `${count} × ${label}`).join(', ')
    const sorted = this.#durations.toSorted((left, right) => left - right)
    const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)
    return `${sorted.length} sent: ${answers}; half within ${at(0.5)} ms, 99 % within ${at(0.99)} ms`
  }

  #print(line: string): void {
    this.#options.context.stdout.write(`${line}\n`)
  }
}

function statusOf(sent: Sent & { readonly status: number }): string {
  return `${sent.status} ${escapeUnprintable(sent.statusText, 50)}`.trim()
}
