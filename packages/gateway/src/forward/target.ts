import { Deadlines, type Deadline } from 'postern'
import { Pool, type Dispatcher } from 'undici'
import { guardedConnect, type GuardOptions } from './guarded-connect.ts'
import { reasonText } from './reason-text.ts'

export interface TargetOptions extends Omit<GuardOptions, 'timeoutMs'> {
  readonly url: URL
  /** The most connections at once. */
  readonly connections: number
  /** From the call to the end of the answer's head. */
  readonly timeoutMs: number
}

/** What came of one POST: a value, also where nothing came of it. */
export type Sent =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly retryAfter: string | undefined
      /** The beginning of the answer's body, as text in one line. */
      readonly excerpt: string
    }
  /** There was no status: why, without the URL, which may hold a secret. Broken off from our side, it says nothing of the target. */
  | { readonly kind: 'failed'; readonly error: Error; readonly text: string; readonly isBrokenOff: boolean }

/** What may break an exchange off. Its signal is made when it is first asked for, which costs some 4 µs with its listener. */
export interface Abortable {
  readonly signal: AbortSignal
}

/** Of an answer's body that much is taken; then the connection is closed. */
const LONGEST_ANSWER_BYTES = 16 * 1024
/** How long the rest of an answer is waited for, once its status is known: it decides nothing. */
const ANSWER_REST_MS = 1000
/** gunicorn closes idle connections after 2 s, Node and uvicorn after 5: what is sent just then is lost. */
const KEEP_ALIVE_MS = 1800
/** Whatever a target's own `Keep-Alive` promises. */
const LONGEST_KEEP_ALIVE_MS = 60_000
const LONGEST_EXCERPT_CHARS = 300
/** After that long under way an exchange listens for the signal: most are over by then, and never ask for it. */
const UNHEEDING_MS = 1000

/**
 * One URL and its own connections. No redirect is followed, no answer inflated, and no proxy of the environment used: the
 * client does none of it unless it is told to.
 */
export class Target {
  readonly #pool: Pool
  readonly #path: string
  readonly #bounds: Bounds

  constructor({ url, connections, timeoutMs, ...guard }: TargetOptions) {
    this.#path = `${url.pathname}${url.search}`
    this.#bounds = {
      timeoutMs,
      beginnings: new Deadlines(Math.min(timeoutMs, UNHEEDING_MS)),
      answers: new Deadlines(timeoutMs - UNHEEDING_MS),
      rests: new Deadlines(ANSWER_REST_MS),
      isClosing: false,
    }
    this.#pool = new Pool(url.origin, {
      connections,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: LONGEST_KEEP_ALIVE_MS,
      // One deadline for all of it instead, which does not begin anew with each byte.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: LONGEST_ANSWER_BYTES,
      connect: (_options, callback) => {
        guardedConnect(endpointOf(url), { ...guard, timeoutMs }).then(
          (socket) => callback(null, socket),
          (error: unknown) => callback(asError(error), null),
        )
      },
    })
  }

  /** Sends a body and answers what came of it. Never rejects. */
  post(headers: string[], body: Uint8Array, attempt: Abortable): Promise<Sent> {
    return new Promise((resolve) => {
      const exchange = new Exchange(resolve, this.#bounds, attempt)
      try {
        this.#pool.dispatch({ path: this.#path, method: 'POST', headers, body }, exchange)
      } catch (error) {
        exchange.onResponseError(undefined, asError(error))
      }
    })
  }

  /** Closes every connection; what is under way fails. */
  async close(): Promise<void> {
    this.#bounds.isClosing = true
    await this.#pool.destroy()
  }
}

/** The times of one target's exchanges: all of them on three timers. */
interface Bounds {
  readonly timeoutMs: number
  readonly beginnings: Deadlines
  /** What is left of an answer's time after its beginning. */
  readonly answers: Deadlines
  readonly rests: Deadlines
  /** What fails from now on is broken off. */
  isClosing: boolean
}

/** One request and its answer, bounded in time and size. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (sent: Sent) => void
  readonly #bounds: Bounds
  readonly #attempt: Abortable
  readonly #chunks: Buffer[] = []
  #deadline: Deadline
  #bytes = 0
  #controller: Dispatcher.DispatchController | undefined
  #head: { readonly status: number; readonly retryAfter: string | undefined } | undefined
  #ended: Error | undefined
  #isOver = false
  #isBrokenOff = false
  #unheed: (() => void) | undefined

  constructor(resolve: (sent: Sent) => void, bounds: Bounds, attempt: Abortable) {
    this.#resolve = resolve
    this.#bounds = bounds
    this.#attempt = attempt
    this.#deadline = bounds.beginnings.set(() => this.#goOn())
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // Its time passed in line or while the connection was made: nothing of it is sent.
    if (this.#ended !== undefined) controller.abort(this.#ended)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.#isOver) return
    const retryAfter = headers['retry-after']
    this.#head = { status, retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter }
    this.#deadline.met()
    this.#deadline = this.#bounds.rests.set(() => this.#cut(new Error('the answer does not end')))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    const space = LONGEST_ANSWER_BYTES - this.#bytes
    // A copy: what comes is a view of the connection's buffer.
    this.#chunks.push(Buffer.from(chunk.subarray(0, space)))
    this.#bytes += Math.min(chunk.length, space)
    if (chunk.length > space) this.#cut(new Error('the answer is too long'))
  }

  onResponseEnd(): void {
    this.#finish(undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#finish(error)
  }

  /** It takes longer than most: from now on whoever waits for it may break it off. */
  #goOn(): void {
    const { timeoutMs, answers } = this.#bounds
    if (timeoutMs <= UNHEEDING_MS) return this.#cut(tooLate(timeoutMs))
    this.#deadline = answers.set(() => this.#cut(tooLate(timeoutMs)))
    const { signal } = this.#attempt
    const breakOff = (): void => {
      this.#isBrokenOff = true
      this.#cut(asError(signal.reason))
    }
    if (signal.aborted) return breakOff()
    signal.addEventListener('abort', breakOff, { once: true })
    this.#unheed = () => signal.removeEventListener('abort', breakOff)
  }

  #cut(error: Error): void {
    this.#ended = error
    this.#controller?.abort(error)
    // Also where it has not begun yet, and would tell nobody for a while.
    this.#finish(error)
  }

  /** Once there is a status, that is the answer, however its body ends. */
  #finish(error: Error | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#deadline.met()
    this.#unheed?.()
    if (this.#head !== undefined) {
      return this.#resolve({ kind: 'answered', ...this.#head, excerpt: this.#excerpt() })
    }
    const cause = error ?? new Error('the connection ended without an answer')
    this.#resolve({
      kind: 'failed',
      error: cause,
      text: reasonText(cause),
      isBrokenOff: this.#isBrokenOff || this.#bounds.isClosing,
    })
  }

  #excerpt(): string {
    if (this.#bytes === 0) return ''
    const start = Buffer.concat(this.#chunks).subarray(0, 4 * LONGEST_EXCERPT_CHARS)
    // Whatever is no plain text, a compressed body above all, is left out character by character.
    const text = new TextDecoder().decode(start).replaceAll(/[^\p{L}\p{N}\p{P}\p{S}]+|\uFFFD+/gu, ' ')
    return text.trim().slice(0, LONGEST_EXCERPT_CHARS)
  }
}

function endpointOf(url: URL): { isTls: boolean; host: string; port: number } {
  const isTls = url.protocol === 'https:'
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  return { isTls, host, port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port) }
}

function tooLate(timeoutMs: number): Error {
  return new Error(`no answer within ${timeoutMs} ms`)
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value))
}
