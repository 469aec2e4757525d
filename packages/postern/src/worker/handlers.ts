import type { WebhookEvent } from '../core/index.ts'
import type { Handler, Registration } from './handler.ts'
import { limitsByDestination, type DestinationLimits } from './limits.ts'

/**
 * Which handlers an event has. Looked up in maps: a type such as `constructor` or `__proto__`, looked up in an object,
 * finds what every object inherits.
 */
export class HandlerTable<Effect, Tx = never> {
  readonly #bySource = new Map<string, SourceHandlers<Effect, Tx>>()
  /** Every destination that this node serves. */
  readonly destinations: readonly string[]
  /** Of the destinations that have any. */
  readonly limits: ReadonlyMap<string, DestinationLimits>

  constructor(registrations: readonly Registration<Effect, Tx>[]) {
    this.destinations = [...new Set(registrations.map(({ destination }) => destination))]
    this.limits = limitsByDestination(registrations)
    for (const source of new Set(registrations.map((registration) => registration.source))) {
      const own = registrations.filter((registration) => registration.source === source)
      this.#bySource.set(source, new SourceHandlers(own))
    }
  }

  /** The destinations that an event goes to: one delivery each. `event` is asked for only where a handler looks at it. */
  destinationsFor(source: string, type: string, event: () => WebhookEvent): readonly string[] {
    return this.#bySource.get(source)?.destinationsFor(type, event) ?? []
  }

  /** The handlers of one destination for an event, in the order they were registered. */
  handlersFor(destination: string, event: WebhookEvent): readonly Handler<string, never, Effect, Tx>[] {
    const mine = this.#bySource.get(event.source)?.matching(event.type).get(destination)
    if (mine === undefined) return []
    if (mine.handlers.length === 1) return mine.handlers
    const wanting = mine.registrations.filter((registration) => wants(registration, event))
    return wanting.length > 0 ? wanting.map(({ handler }) => handler) : mine.handlers
  }
}

/** The handlers of one source. */
class SourceHandlers<Effect, Tx> {
  readonly #registrations: readonly Registration<Effect, Tx>[]
  readonly #hasBeginnings: boolean
  /** Of the types that handlers name; every other type has those of `*`. */
  readonly #byType = new Map<string, Matching<Effect, Tx>>()
  readonly #ofAnyType: Matching<Effect, Tx>

  constructor(registrations: readonly Registration<Effect, Tx>[]) {
    this.#registrations = registrations
    this.#hasBeginnings = registrations.some(({ type }) => isBeginning(type))
    for (const { type } of registrations) this.#byType.set(type, this.#find(type))
    this.#ofAnyType = this.#find('*')
  }

  /** By their destination. */
  matching(type: string): ReadonlyMap<string, OfOneDestination<Effect, Tx>> {
    return this.#of(type).byDestination
  }

  destinationsFor(type: string, event: () => WebhookEvent): readonly string[] {
    const { registrations, destinations, hasConditions } = this.#of(type)
    if (!hasConditions) return destinations
    const received = event()
    return destinationsOf(registrations.filter((registration) => wants(registration, received)))
  }

  #of(type: string): Matching<Effect, Tx> {
    const named = this.#byType.get(type)
    if (named !== undefined) return named
    // Not remembered: types come from outside, and there is no end to them.
    return this.#hasBeginnings ? this.#find(type) : this.#ofAnyType
  }

  #find(type: string): Matching<Effect, Tx> {
    const registrations = this.#registrations.filter((registration) => isFor(registration.type, type))
    const hasConditions = registrations.some(({ when }) => when !== undefined)
    const destinations = destinationsOf(registrations)
    return { registrations, destinations, byDestination: byDestination(registrations), hasConditions }
  }
}

/** What there is for one type. */
interface Matching<Effect, Tx> {
  readonly registrations: readonly Registration<Effect, Tx>[]
  readonly destinations: readonly string[]
  readonly byDestination: ReadonlyMap<string, OfOneDestination<Effect, Tx>>
  /** Whether any of them looks at the event first. */
  readonly hasConditions: boolean
}

/** What one destination has for a type, in the order it was registered. */
interface OfOneDestination<Effect, Tx> {
  readonly registrations: readonly Registration<Effect, Tx>[]
  readonly handlers: readonly Handler<string, never, Effect, Tx>[]
}

function byDestination<Effect, Tx>(
  registrations: readonly Registration<Effect, Tx>[],
): ReadonlyMap<string, OfOneDestination<Effect, Tx>> {
  const all = new Map<
    string,
    { registrations: Registration<Effect, Tx>[]; handlers: Handler<string, never, Effect, Tx>[] }
  >()
  for (const registration of registrations) {
    const { destination, handler } = registration
    const known = all.get(destination)
    if (known === undefined) all.set(destination, { registrations: [registration], handlers: [handler] })
    else {
      known.registrations.push(registration)
      known.handlers.push(handler)
    }
  }
  return all
}

function isFor(pattern: string, type: string): boolean {
  if (pattern === '*' || pattern === type) return true
  return isBeginning(pattern) && type.startsWith(pattern.slice(0, -1))
}

/** Whether a type stands for all that begin as it does: `instance.*`. */
function isBeginning(pattern: string): boolean {
  return pattern.endsWith('.*')
}

function destinationsOf(registrations: readonly { readonly destination: string }[]): readonly string[] {
  return [...new Set(registrations.map(({ destination }) => destination))]
}

/**
 * A condition that throws would lose the event for its handler; counted as met, the handler sees it. So does one that answers a
 * promise, as a caller without types may: unheard, its rejection would end the process.
 */
function wants({ when }: Pick<Registration, 'when'>, event: WebhookEvent): boolean {
  try {
    const answer: unknown = when === undefined || when(event)
    if (answer instanceof Promise) answer.catch(() => {})
    return Boolean(answer)
  } catch {
    return true
  }
}
