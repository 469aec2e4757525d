import { createPostern, type Logger, type Observer, type Postern, type Sources } from 'postern'
import type { SqliteEffect } from 'postern/sqlite'
import type { GatewayConfig } from '../config/define-config.ts'
import { ConfigError } from '../config/problem.ts'
import type { AnyResolvedDestination } from '../config/resolve-destinations.ts'
import { Forwarding } from '../forward/index.ts'
import { notifications } from '../notify/index.ts'
import { tracedHandlers } from '../observe/tracing.ts'
import type { InboxOptions } from './inbox-options.ts'
import type { GatewayStore } from './stores/store-opener.ts'

export interface InboxParts {
  /** With every source able to verify. */
  readonly config: GatewayConfig & InboxOptions
  readonly destinations: readonly AnyResolvedDestination[]
  readonly store: GatewayStore
  readonly log: Logger
  readonly observe?: Observer
}

/** The inbox, and what sends its events on. `forwarding` starts before `postern` does, and stops after it. */
export interface GatewayInbox {
  readonly postern: Postern
  readonly forwarding: Forwarding
  /** The names of all that its events go to, handlers included. */
  readonly destinations: readonly string[]
}

/** Puts together what a configuration says. Throws `PosternError` or `ConfigError` where it cannot work. */
export function createInbox({ config, destinations, store, log, observe }: InboxParts): GatewayInbox {
  const { destinations: _destinations, pull: _pull, reconcile: _reconcile, handlers, ...options } = config
  const sources = Object.keys(config.sources)
  const forwarding = new Forwarding({
    destinations: destinations.flatMap((each) => ('notify' in each ? [] : [each])),
    others: notifications(
      destinations.filter((each) => 'notify' in each),
      config.sources,
    ),
    sources,
    state: store.state,
    log,
  })
  let names: readonly string[] = []
  // Whichever effects its handlers give: the configuration's own type has been theirs.
  const postern = createPostern<Sources, SqliteEffect>({
    ...options,
    store,
    handlers: (on) => {
      const own = handlers === undefined ? [] : handlers(on)
      assertRegistrations(own)
      assertNamesApart(own, forwarding.names)
      const registrations = [...own, ...forwarding.registrations(on)]
      names = [...new Set(registrations.map(({ destination }) => destination))]
      return tracedHandlers(registrations)
    },
    log,
    ...(observe !== undefined && { observe }),
  })
  return { postern, forwarding, destinations: names }
}

/** Before anything else is made of them: put beside what destinations register, nothing returned would be no handlers. */
function assertRegistrations(own: unknown): void {
  const isListed = (each: unknown): boolean =>
    typeof (Object(each) as { readonly handler?: unknown }).handler === 'function'
  if (Array.isArray(own) && own.every(isListed)) return
  throw new ConfigError([
    {
      path: 'handlers',
      message: "must return the list of what `on` returned, such as (on) => [on('shop', '*', handler)]",
    },
  ])
}

/** A handler and an endpoint of one name would share their deliveries, and run one after another as one attempt. */
function assertNamesApart(
  handlers: readonly { readonly destination: string }[],
  names: readonly string[],
): void {
  const shared = handlers.find(({ destination }) => names.includes(destination))?.destination
  if (shared === undefined) return
  throw new ConfigError([
    { path: `destinations.${shared}`, message: 'is the name of a handler as well; give one of them another' },
  ])
}
