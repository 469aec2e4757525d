import { PosternError, type Logger, type Source } from './core/index.ts'
import { assertRegistrations, assertSoundLimits } from './options.ts'
import type { Sources } from './sources.ts'
import { registerHandler, UNNAMED_DESTINATION, type On, type Registration } from './worker/index.ts'

/** What it is for, whatever it runs. */
type Registered = Pick<Registration, 'source' | 'type' | 'destination'>

/** What is run, as `handlers` lists it. Refuses what could only go wrong later, and warns of what nothing will come of. */
export function checkedRegistrations<S extends Sources, Effect, Tx>(
  handlers: ((on: On<S, Effect, Tx>) => readonly Registration<Effect, Tx>[]) | undefined,
  sources: ReadonlyMap<string, Source>,
  log: Logger,
): readonly Registration<Effect, Tx>[] {
  const made: Registration<Effect, Tx>[] = []
  const on: typeof registerHandler<Effect, Tx> = (...given) => {
    const registration = registerHandler(...given)
    made.push(registration)
    return registration
  }
  // `On` narrows the strings and the event's type; at run time every registration is the same.
  const registrations = handlers === undefined ? [] : handlers(on as On<S, Effect, Tx>)
  assertRegistrations(registrations)
  for (const { source, destination, limits } of registrations) {
    if (limits !== undefined) assertSoundLimits(destination, limits)
    if (!sources.has(source)) {
      throw new PosternError(
        'bad_config',
        `handlers: '${source}' is not one of the sources: ${[...sources.keys()].join(', ')}`,
      )
    }
  }
  warnOfNotReturned(made, registrations, log)
  warnOfNothingToWaitFor(sources, registrations, log)
  return registrations
}

/** Told apart by what they are for: what is returned may be copies, with handlers that are wrapped. */
function warnOfNotReturned(made: readonly Registered[], returned: readonly Registered[], log: Logger): void {
  const left = returned.map(nameOf)
  for (const name of made.map(nameOf)) {
    const at = left.indexOf(name)
    if (at >= 0) left.splice(at, 1)
    else log.warn(`handlers: ${name} was called, but is not in the list that is returned: it will not run`)
  }
}

function nameOf({ source, type, destination }: Registered): string {
  const named = destination === UNNAMED_DESTINATION ? '' : `, { name: '${destination}' }`
  return `on('${source}', '${type}', …${named})`
}

/** Answered once stored, as without the option: nobody would find out but by an event that was lost on a handler's error. */
function warnOfNothingToWaitFor(
  sources: ReadonlyMap<string, Source>,
  registrations: readonly Registered[],
  log: Logger,
): void {
  for (const [name, { ack }] of sources) {
    const isWaitedFor = registrations.some(
      ({ source, destination }) => source === name && destination === UNNAMED_DESTINATION,
    )
    if (ack === 'handled' && !isWaitedFor)
      log.warn(`sources.${name}: ack is 'handled', but no handler without a name is there to be waited for`)
  }
}
