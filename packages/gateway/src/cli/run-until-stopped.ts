import type { Reporter } from '../observe/reporter.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-code.ts'
import type { RunningGateway } from './gateway.ts'

export interface RunOptions {
  readonly context: Pick<CliContext, 'exit' | 'now' | 'onFatal' | 'onSignal'>
  readonly reporter: Reporter
  readonly start: () => Promise<Pick<RunningGateway, 'stop' | 'stopAccepting'>>
}

/** How long a start that was interrupted may take to come to an end, so that what it opened is closed in order. */
const START_GRACE_MS = 5000
/** `npm start` passes a Ctrl-C on that its child has had from the terminal already. */
const ECHO_MS = 100

/**
 * Runs a gateway until a signal, and answers the process's exit code. The first signal stops it in order, a second one
 * at once; both also work while it is still starting. What nobody caught ends it as well, with its state in doubt.
 */
export async function runUntilStopped({ context, reporter, start }: RunOptions): Promise<number> {
  const end = new Ending(context, reporter)
  try {
    const starting = start()
    starting.catch(() => {})
    const first = await Promise.race([starting, end.reason])
    const gateway = typeof first === 'string' ? await settledWithin(starting, START_GRACE_MS) : first
    const reason = await end.reason
    if (reason === 'signal') await gateway?.stop()
    else await gateway?.stopAccepting()
    return reason === 'signal' ? EXIT.ok : EXIT.failed
  } finally {
    end.forget()
    await reporter.flush()
  }
}

type Reason = 'fatal' | 'signal'

/** Listens for what ends the process. */
class Ending {
  readonly #context: RunOptions['context']
  readonly #reporter: Reporter
  readonly #forget: readonly (() => void)[]
  #resolve: (reason: Reason) => void = () => {}
  #first: { readonly signal: string; readonly atMs: number } | undefined
  #isFatal = false
  readonly reason: Promise<Reason> = new Promise((resolve) => (this.#resolve = resolve))

  constructor(context: RunOptions['context'], reporter: Reporter) {
    this.#context = context
    this.#reporter = reporter
    this.#forget = [
      context.onSignal((signal) => this.#onSignal(signal)),
      context.onFatal((error) => this.#onFatal(error)),
    ]
  }

  forget(): void {
    for (const forget of this.#forget) forget()
  }

  #onSignal(signal: string): void {
    const nowMs = this.#context.now()
    if (this.#first === undefined) {
      this.#first = { signal, atMs: nowMs }
      this.#reporter.log.info(`${signal}: stopping; once more to stop at once`)
      return this.#resolve('signal')
    }
    // Either way: the clock may have been set back meanwhile.
    const isEcho = signal === this.#first.signal && Math.abs(nowMs - this.#first.atMs) < ECHO_MS
    if (!isEcho) this.#context.exit(EXIT.failed)
  }

  #onFatal(error: unknown): void {
    this.#reporter.log.error('an error that nobody caught: stopping', { error })
    if (this.#isFatal) return this.#context.exit(EXIT.failed)
    this.#isFatal = true
    void this.#reporter.flush()
    this.#resolve('fatal')
  }
}

async function settledWithin<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return Promise.race([work.catch(() => undefined), timeout]).finally(() => clearTimeout(timer))
}
