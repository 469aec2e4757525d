import { findConfig } from '../config/config-file.ts'
import { ConfigError } from '../config/problem.ts'
import { systemTicker } from '../observe/burst.ts'
import { JsonLog, type LOG_LEVELS } from '../observe/json-log.ts'
import type { CliContext } from './context.ts'
import { startGateway, type RunningGateway } from './gateway.ts'
import { readProductionConfig } from './production-config.ts'
import { runUntilStopped } from './run-until-stopped.ts'
import { readSettings, type GatewayFlags } from './settings.ts'

export interface ServeFlags extends GatewayFlags {
  readonly logLevel?: (typeof LOG_LEVELS)[number]
}

/** `postern serve`: nothing is made up here; what is missing or wrong keeps it from starting. */
export async function serve(flags: ServeFlags, context: CliContext): Promise<number> {
  const log = new JsonLog({
    write: (text) => void context.stdout.write(text),
    level: flags.logLevel ?? 'info',
    ticker: systemTicker,
  })
  return runUntilStopped({ context, reporter: log, start: () => start(flags, context, log) })
}

async function start(flags: ServeFlags, context: CliContext, reporter: JsonLog): Promise<RunningGateway> {
  const { env, cwd, version } = context
  const settings = readSettings({ flags, env, cwd, mode: 'production' })
  const configured = await readProductionConfig(findConfig(cwd, flags.config), env)
  if (!settings.ok || !configured.ok) {
    const problems = [settings, configured].flatMap((checked) => (checked.ok ? [] : checked.problems))
    throw new ConfigError(problems)
  }
  const { config, destinations } = configured.value
  const gateway = await startGateway({ settings: settings.value, config, destinations, reporter, context })
  const { role, tls, store } = settings.value
  reporter.log.info('listening', {
    version,
    port: gateway.port,
    role,
    ...(tls && { tls: true }),
    sources: Object.keys(config.sources),
    ...(destinations.length > 0 && { destinations: destinations.map(({ name }) => name) }),
    store: store.shownAs,
    engine: gateway.engine,
    ...(gateway.adminUrl !== undefined && { admin: gateway.adminUrl }),
  })
  if (role !== 'all' && store.kind === 'sqlite')
    reporter.log.info('the other role runs on this machine, with the same file and the same configuration')
  if (config.handlers === undefined && destinations.length === 0) {
    reporter.log.warn(
      'no handlers and no destinations are configured: events are stored and nothing else is done with them',
    )
  }
  return gateway
}
