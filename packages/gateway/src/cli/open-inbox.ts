import type { Logger, Postern } from 'postern'
import { templateProviders } from 'postern/providers'
import { findConfig, loadConfig } from '../config/config-file.ts'
import type { GatewayConfig } from '../config/define-config.ts'
import { orThrow } from '../config/problem.ts'
import { sourcesOf } from '../config/resolve-sources.ts'
import type { AnyResolvedDestination } from '../config/resolve-destinations.ts'
import { isNotification, resolvedNotification } from '../notify/index.ts'
import type { CliContext } from './context.ts'
import { createInbox } from './inbox.ts'
import { readAcceptedLoss, readStore } from './settings.ts'
import { openStateFolder } from './state-folder.ts'
import { openStore } from './stores/open-store.ts'
import type { GatewayStore } from './stores/store-opener.ts'

export interface InboxFlags {
  readonly config?: string
  readonly store?: string
}

/** The inbox of the gateway here, to record into: the deliveries that it makes are the gateway's to run. */
export interface OpenInbox {
  readonly config: GatewayConfig
  readonly record: Postern['record']
  readonly store: GatewayStore
  readonly log: Logger
  close(): Promise<void>
}

/** Opens the store that the gateway here has, beside the gateway or without one. */
export async function openInbox(flags: InboxFlags, context: CliContext): Promise<OpenInbox> {
  const { env, cwd, stderr } = context
  const file = findConfig(cwd, flags.config)
  const config =
    file === undefined ? { sources: sourcesOf(templateProviders) } : orThrow(await loadConfig(file))
  const location = orThrow(readStore({ flags, env, cwd, mode: 'production' }))
  const mayLoseAcknowledgedEvents = orThrow(readAcceptedLoss({ env }))
  await openStateFolder(cwd, (message) => void stderr.write(`${message}\n`))
  const log = problemsTo(stderr)
  const opened = await openStore(location, { mayLoseAcknowledgedEvents, log })
  const destinations = routedOnly(config, context)
  const { postern, forwarding } = createInbox({ config, destinations, store: opened.store, log })
  return {
    config,
    record: (source, recording) => postern.record(source, recording),
    store: opened.store,
    log,
    close: async () => {
      await postern.stop({ graceMs: 0 })
      await forwarding.stop()
      await opened.release()
    },
  }
}

/** Destinations as they are routed to: nothing is sent from here, so that their own secrets are not needed. */
function routedOnly(
  { destinations = {} }: GatewayConfig,
  { randomBytes }: CliContext,
): readonly AnyResolvedDestination[] {
  const secrets = [`whsec_${Buffer.from(randomBytes(32)).toString('base64')}`]
  return Object.entries(destinations).map(([name, destination]) =>
    isNotification(destination) ? resolvedNotification(name, destination) : { ...destination, name, secrets },
  )
}

/** That a source has no secret is of no matter here: nothing is verified. */
function problemsTo(stderr: CliContext['stderr']): Logger {
  const say = (message: string): void => void stderr.write(`${message}\n`)
  return { debug() {}, info() {}, warn() {}, error: say }
}
