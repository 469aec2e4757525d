import type { LogFields, Logger, Occurrence, Provider, WebhookRequest } from 'postern'
import { Burst, type Ticker } from './burst.ts'
import { escapeUnprintable } from './escape.ts'
import { isReadable } from './event-type.ts'
import { flowOf, labelOf, SHOWN_PER_SECOND } from './occurrence-label.ts'
import { reasonText } from './reason-text.ts'
import type { RejectedFiles } from './rejected-files.ts'
import type { Reporter } from './reporter.ts'
import {
  ATTEMPT_TEXT,
  durationText,
  errorLines,
  eventName,
  OUTCOME_TEXT,
  summaryText,
} from './terminal-text.ts'
import { triggerLine, typeForCommand } from './trigger-line.ts'

export type Paint = (style: 'dim' | 'green' | 'red' | 'yellow', text: string) => string

export interface TerminalLogOptions {
  readonly write: (text: string) => void
  readonly ticker: Ticker
  readonly paint: Paint
  readonly rejectedFiles: RejectedFiles
  /** The rejected files' folder, as it is to stand in a command. */
  readonly rejectedFolder: string
  /** What a source's name stands for; `undefined` where it is not configured. */
  readonly providerOf: (source: string) => Provider | undefined
  readonly urlOf: (source: string) => string
  /** Why a request was most likely refused, in one line. */
  readonly causeOf?: (
    source: string,
    reason: Rejected['reason'],
    request: WebhookRequest,
  ) => string | undefined
}

type Accepted = Extract<Occurrence, { readonly kind: 'accepted' }>
type Rejected = Extract<Occurrence, { readonly kind: 'rejected' }>
type Attempted = Extract<Occurrence, { readonly kind: 'attempted' }>

/** The development log: one line per event while they are few, one per second while they are many. */
export class TerminalLog implements Reporter {
  readonly #options: TerminalLogOptions
  readonly #burst: Burst<Occurrence>
  readonly #saving = new Set<Promise<void>>()
  readonly log: Logger

  constructor(options: TerminalLogOptions) {
    this.#options = options
    this.#burst = new Burst({
      limit: SHOWN_PER_SECOND,
      ticker: options.ticker,
      kindOf: flowOf,
      labelOf,
      show: (occurrence) => this.#show(occurrence),
      sumUp: (counts) => this.#line(summaryText(counts)),
    })
    const { paint } = options
    this.log = {
      debug() {},
      info: (message, fields) => this.#message(message, fields),
      warn: (message, fields) => this.#message(`${paint('yellow', 'warning')}: ${message}`, fields),
      error: (message, fields) => this.#message(`${paint('red', 'error')}: ${message}`, fields),
    }
  }

  readonly observe = (occurrence: Occurrence): void => this.#burst.add(occurrence)

  async flush(): Promise<void> {
    this.#burst.flush()
    await Promise.all(this.#saving)
  }

  #show(occurrence: Occurrence): void {
    if (occurrence.kind === 'accepted') return this.#accepted(occurrence)
    if (occurrence.kind === 'attempted') return this.#attempted(occurrence)
    const shown = this.#rejected(occurrence)
    this.#saving.add(shown)
    void shown.finally(() => this.#saving.delete(shown))
  }

  #accepted({
    source,
    type,
    id,
    outcome,
    eventSeq,
    verifiedBy,
    secretIndex,
    deliveries,
    durationMs,
  }: Accepted): void {
    const { paint } = this.#options
    const by = secretIndex === undefined ? `from ${verifiedBy}` : `verified by ${verifiedBy}`
    const secret = secretIndex === undefined || secretIndex === 0 ? '' : ` with secret ${secretIndex + 1}`
    const what = paint(outcome === 'stored' ? 'green' : 'yellow', OUTCOME_TEXT[outcome])
    const unhandled = outcome === 'stored' && deliveries === 0 ? ', no handler for this type' : ''
    const rest = paint('dim', `id ${escapeUnprintable(id)}, ${durationText(durationMs)}`)
    this.#line(`${eventName(source, type)} ${by}${secret}, ${what} #${eventSeq}${unhandled} ${rest}`)
  }

  #attempted(attempted: Attempted): void {
    const { source, type, outcome, eventSeq, destination, attempt, retryAfterMs, error, durationMs } =
      attempted
    const { paint } = this.#options
    const what = paint(outcome === 'succeeded' ? 'green' : 'red', ATTEMPT_TEXT[outcome])
    const where = destination === 'handlers' ? '' : ` by ${destination}`
    const retry = retryAfterMs === undefined ? '' : ` in ${Math.ceil(retryAfterMs / 1000)} s`
    const tries = attempt === 1 ? '' : `attempt ${attempt}, `
    this.#line(
      `${eventName(source, type)} ${what}${retry}${where} #${eventSeq} ${paint('dim', tries + durationText(durationMs))}`,
    )
    if (error !== undefined) this.#indented(errorLines(error))
  }

  async #rejected({ source, reason, status, request }: Rejected): Promise<void> {
    const { paint, providerOf } = this.#options
    const hint = status === 401 && request !== undefined ? await this.#hint(source, request) : []
    const from = source === '' ? 'request' : escapeUnprintable(source)
    const why = reasonText(reason, providerOf(source))
    this.#line(`${from} ${paint('red', 'rejected')} ${status} ${reason}: ${why}`)
    const cause = request && this.#options.causeOf?.(source, reason, request)
    if (cause !== undefined) this.#indented([escapeUnprintable(cause, 500)])
    this.#indented(hint)
  }

  /** How the same body would pass. */
  async #hint(source: string, request: WebhookRequest): Promise<readonly string[]> {
    const { providerOf, urlOf, rejectedFiles, rejectedFolder } = this.#options
    const provider = providerOf(source)
    if (provider === undefined) return []
    const isKeptAnyway = provider.unreadableBody === 'keep'
    if (!isKeptAnyway && !isReadable(request.body))
      return ['signed, it would still be refused: the body is not a JSON object']
    try {
      const file = await rejectedFiles.save(request.body)
      if (file === undefined) return ['the body is too long to be kept for another try']
      const type = typeForCommand(provider, request)
      const line = triggerLine({ source, type, url: urlOf(source), dataFile: `${rejectedFolder}/${file}` })
      return ['this passes, signed when it is run:', line]
    } catch (error) {
      return [`the body could not be kept: ${escapeUnprintable(String(error))}`]
    }
  }

  #message(message: string, fields: LogFields = {}): void {
    const { error, ...others } = fields
    const rest = Object.entries(others).map(([key, value]) => ` ${key}=${escapeUnprintable(String(value))}`)
    this.#line(message + rest.join(''))
    if (error !== undefined) this.#indented(errorLines(error))
  }

  #line(text: string): void {
    const time = new Date(this.#options.ticker.now()).toTimeString().slice(0, 8)
    this.#options.write(`${this.#options.paint('dim', time)} ${text}\n`)
  }

  #indented(lines: readonly string[]): void {
    for (const line of lines) this.#options.write(`         ${line}\n`)
  }
}
