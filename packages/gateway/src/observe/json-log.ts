import { inspect } from 'node:util'
import type { Logger, LogFields, Occurrence } from 'postern'
import { pino, type Logger as Pino } from 'pino'
import { Burst, type Ticker } from './burst.ts'
import { SHOWN_PER_SECOND } from './occurrence-label.ts'
import type { Reporter } from './reporter.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

type Rejected = Extract<Occurrence, { readonly kind: 'rejected' }>

export interface JsonLogOptions {
  readonly write: (text: string) => void
  readonly level: (typeof LOG_LEVELS)[number]
  readonly ticker: Ticker
}

/** Should one of these ever be among the fields, it does not get into the log. */
const SECRETS = ['secret', 'secrets', 'signature', 'token', 'authorization', 'cookie', 'headers', 'body']

/** How long lines are gathered before they are written: one system call for many. */
const GATHER_MS = 20
const GATHER_LENGTH = 64 * 1024

/** The production log: one JSON object a line. What senders wrote is in fields, never in messages. */
export class JsonLog implements Reporter {
  readonly #pino: Pino
  readonly #lines: GatheredLines
  readonly #rejections: Burst<Rejected>
  readonly log: Logger

  constructor({ write, level, ticker }: JsonLogOptions) {
    this.#lines = new GatheredLines(write, ticker)
    this.#pino = createPino(level, this.#lines)
    this.#rejections = new Burst<Rejected>({
      limit: SHOWN_PER_SECOND,
      ticker,
      kindOf: () => 'rejected',
      labelOf: ({ reason }) => reason,
      show: (rejected) => this.#rejected(rejected),
      sumUp: (counts) => this.#pino.warn({ counts: Object.fromEntries(counts) }, 'more rejected'),
    })
    this.log = {
      debug: (message, fields) => this.#pino.debug(named(fields), message),
      info: (message, fields) => this.#pino.info(named(fields), message),
      warn: (message, fields) => this.#pino.warn(named(fields), message),
      error: (message, fields) => this.#pino.error(named(fields), message),
    }
  }

  readonly observe = (occurrence: Occurrence): void => {
    if (occurrence.kind === 'rejected') return this.#rejections.add(occurrence)
    const level = levelOf(occurrence)
    // Asked before the fields are made: where nobody reads them, there are as many as there are events.
    if (!this.#pino.isLevelEnabled(level)) return
    const { kind, durationMs, ...others } = occurrence
    const fields = named({ ...others, durationMs: Math.round(durationMs * 1000) / 1000 })
    this.#pino[level](fields, kind)
  }

  async flush(): Promise<void> {
    this.#rejections.flush()
    this.#lines.flush()
  }

  /** Anybody can cause these, so beyond a few per second they are counted: a flood must not fill the disk with log. */
  #rejected({ source, reason, status, client, request }: Rejected): void {
    const details = request && {
      method: request.method,
      url: request.url.slice(0, 500),
      bodyBytes: request.body.byteLength,
    }
    this.#pino.warn(
      { source, reason, status, ...(client !== undefined && { client }), ...details },
      'rejected',
    )
  }
}

function createPino(level: string, lines: GatheredLines): Pino {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: plainError },
      redact: { paths: [...SECRETS, ...SECRETS.map((name) => `*.${name}`)], censor: '[redacted]' },
      hooks: { streamWrite: escapeJson },
    },
    lines,
  )
}

function levelOf(occurrence: Exclude<Occurrence, Rejected>): 'debug' | 'error' | 'info' | 'warn' {
  if (occurrence.kind === 'accepted' || occurrence.outcome === 'succeeded') return 'info'
  // Untried: at a stop there are as many as were claimed, and a closed gate gives them back again and again.
  if (occurrence.outcome === 'released') return 'debug'
  return occurrence.outcome === 'dead' ? 'error' : 'warn'
}

/**
 * Of an error's own fields only the code: a store's client puts the command into them that failed, with its arguments,
 * which are events' bodies or a password.
 */
function plainError(error: Error): object {
  const { name, message, stack, cause } = error
  const { code } = error as NodeJS.ErrnoException
  return {
    type: name,
    message,
    stack,
    ...(code !== undefined && { code }),
    ...(cause instanceof Error && { cause: plainError(cause) }),
  }
}

/** Pino knows how to write an error under the name `err`. */
function named(fields: LogFields = {}): LogFields {
  const { error, ...others } = fields
  if (error === undefined) return fields
  return { ...others, err: error instanceof Error ? error : new Error(inspect(error)) }
}

/** JSON leaves these as they are, and a terminal acts on them: C1 controls, bidirectional and invisible formatting. */
const UNESCAPED = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

function escapeJson(line: string): string {
  return line.replace(UNESCAPED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

class GatheredLines {
  readonly #write: (text: string) => void
  readonly #ticker: Ticker
  #text = ''
  #callOff: (() => void) | undefined

  constructor(write: (text: string) => void, ticker: Ticker) {
    this.#write = write
    this.#ticker = ticker
  }

  write(line: string): void {
    this.#text += line
    if (this.#text.length >= GATHER_LENGTH) return this.flush()
    this.#callOff ??= this.#ticker.after(GATHER_MS, () => this.flush())
  }

  flush(): void {
    this.#callOff?.()
    this.#callOff = undefined
    const text = this.#text
    this.#text = ''
    if (text !== '') this.#write(text)
  }
}
