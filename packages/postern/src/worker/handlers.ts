import { PosternError, type WebhookEvent } from '../core/index.ts'
import { UNNAMED_DESTINATION, type Handler, type HandlerOptions, type Registration } from './handler.ts'

const NAME = /^[a-z0-9_-]{1,64}$/

/** Makes registrations; `On` gives it its types. */
export function registerHandler<Effect, Tx>(
  source: string,
  type: string,
  handler: Handler<string, never, Effect, Tx>,
  options: HandlerOptions = {},
): Registration<Effect, Tx> {
  const destination = options.name ?? UNNAMED_DESTINATION
  if (!NAME.test(destination)) {
    throw new PosternError(
      'bad_config',
      `A handler's name must match ${NAME.source}: got ${JSON.stringify(destination)}`,
    )
  }
  if (typeof handler !== 'function') {
    throw new PosternError('bad_config', `The handler of ${source} ${type} is not a function`)
  }
  return { source, type, destination, handler }
}

/**
 * Which handlers an event has. Looked up in maps: a type such as `constructor` or `__proto__`, looked up in an object,
 * finds what every object inherits.
 */
export class HandlerTable<Effect, Tx = never> {
  readonly #bySource = new Map<string, Map<string, Registration<Effect, Tx>[]>>()
  readonly #order = new Map<Registration<Effect, Tx>, number>()
  /** Every destination that this node serves. */
  readonly destinations: readonly string[]
  /** Of the types that handlers name; every other type has its source's `*`. */
  readonly #destinations = new Map<string, Map<string, readonly string[]>>()

  constructor(registrations: readonly Registration<Effect, Tx>[]) {
    registrations.forEach((registration, index) => {
      const byType = getOrAdd(
        this.#bySource,
        registration.source,
        () => new Map<string, Registration<Effect, Tx>[]>(),
      )
      getOrAdd(byType, registration.type, () => []).push(registration)
      this.#order.set(registration, index)
    })
    this.destinations = [...new Set(registrations.map(({ destination }) => destination))]
    for (const [source, byType] of this.#bySource) {
      const types = ['*', ...byType.keys()].map((type) => [type, this.#destinationsOf(source, type)] as const)
      this.#destinations.set(source, new Map(types))
    }
  }

  /** The destinations that an event goes to: one delivery each. */
  destinationsFor(source: string, type: string): readonly string[] {
    const byType = this.#destinations.get(source)
    return byType?.get(type) ?? byType?.get('*') ?? []
  }

  /** The handlers of one destination for an event, in the order they were registered. */
  handlersFor(
    destination: string,
    event: Pick<WebhookEvent, 'source' | 'type'>,
  ): readonly Handler<string, never, Effect, Tx>[] {
    return this.#matching(event.source, event.type)
      .filter((registration) => registration.destination === destination)
      .map(({ handler }) => handler)
  }

  #destinationsOf(source: string, type: string): readonly string[] {
    return [...new Set(this.#matching(source, type).map(({ destination }) => destination))]
  }

  #matching(source: string, type: string): readonly Registration<Effect, Tx>[] {
    const byType = this.#bySource.get(source)
    const exact = byType?.get(type) ?? []
    const all = byType?.get('*') ?? []
    if (type === '*' || exact.length === 0) return all
    if (all.length === 0) return exact
    return [...exact, ...all].toSorted((left, right) => this.#indexOf(left) - this.#indexOf(right))
  }

  #indexOf(registration: Registration<Effect, Tx>): number {
    return this.#order.get(registration) ?? 0
  }
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const existing = map.get(key)
  if (existing !== undefined) return existing
  const added = make()
  map.set(key, added)
  return added
}
