/**
 * The functions of the user that are called beside the work, and not for it. Whatever they do, the work goes on: unheard, what one
 * throws would end the process, or leave a request without its answer.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { LogFields, Logger } from './core/index.ts'
import type { MetricsCounter, Observer } from './inbox/index.ts'
import { OnceASecond } from './receive/once-a-second.ts'

type ClientOf = (request: IncomingMessage) => string | undefined

/** A log of which nothing is heard but what it logs. That it failed could be told to nobody but itself. */
export function unthrowing(log: Logger): Logger {
  const say =
    (level: keyof Logger) =>
    (message: string, fields?: LogFields): void => {
      try {
        // `console` would print a second argument that is undefined.
        ignored(fields === undefined ? log[level](message) : log[level](message, fields), () => {})
      } catch {
        // See above.
      }
    }
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
}

/** Counts, and tells the user's observer; what that throws is logged and changes nothing. */
export function observing(counter: MetricsCounter, observe: Observer | undefined, log: Logger): Observer {
  return (occurrence) => {
    counter.observe(occurrence)
    const failed = (error: unknown): void => log.error('the observer threw', { kind: occurrence.kind, error })
    try {
      ignored(observe?.(occurrence), failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** Who sent a request; nobody known where that cannot be said. Senders can bring that about at will: a connection that breaks has no address. */
export function tellingClient(clientOf: ClientOf | undefined, log: Logger): ClientOf | undefined {
  if (clientOf === undefined) return undefined
  const onceASecond = new OnceASecond(log)
  const failed = (error: unknown): void =>
    onceASecond.say('error', 'clientOf threw; its request is told of without a client', { error })
  return (request) => {
    try {
      const client: unknown = clientOf(request)
      ignored(client, failed)
      return typeof client === 'string' ? client : undefined
    } catch (error) {
      failed(error)
      return undefined
    }
  }
}

/** To the compiler an `async` function is one that answers nothing. */
function ignored(answer: unknown, onRejection: (error: unknown) => void): void {
  if (answer instanceof Promise) answer.catch(onRejection)
}
