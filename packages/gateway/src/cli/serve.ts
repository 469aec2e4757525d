import { templateProviders } from 'postern/providers'
import { findConfig, loadConfig } from '../config/config-file.ts'
import type { GatewayConfig } from '../config/define-config.ts'
import { ConfigError, problem, type Checked } from '../config/problem.ts'
import { resolveSources, sourcesOf, withSources } from '../config/resolve-sources.ts'
import { environmentSecrets, secretVariable } from '../config/secret-variable.ts'
import { systemTicker } from '../observe/burst.ts'
import { JsonLog, type LOG_LEVELS } from '../observe/json-log.ts'
import type { CliContext } from './context.ts'
import { startGateway, type RunningGateway } from './gateway.ts'
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

async function start(
  flags: ServeFlags,
  { env, cwd, version }: CliContext,
  reporter: JsonLog,
): Promise<RunningGateway> {
  const settings = readSettings({ flags, env, cwd, mode: 'production' })
  const configured = await readConfig(findConfig(cwd, flags.config), env)
  if (!settings.ok || !configured.ok) {
    const problems = [settings, configured].flatMap((checked) => (checked.ok ? [] : checked.problems))
    throw new ConfigError(problems)
  }
  const config = configured.value
  const gateway = await startGateway({ settings: settings.value, config, reporter })
  reporter.log.info('listening', {
    version,
    port: gateway.port,
    sources: Object.keys(config.sources),
    store: settings.value.store.path,
    ...(gateway.adminUrl !== undefined && { admin: gateway.adminUrl }),
  })
  if (config.handlers === undefined) {
    reporter.log.warn('no handlers are configured: events are stored and nothing else is done with them')
  }
  return gateway
}

async function readConfig(file: string | undefined, env: CliContext['env']): Promise<Checked<GatewayConfig>> {
  const given = file === undefined ? fromEnvironment(env) : await loadConfig(file)
  if (!given.ok) return given
  const resolved = resolveSources(given.value.sources, { env })
  return resolved.ok ? { ok: true, value: withSources(given.value, resolved.value) } : resolved
}

/** The providers whose variable is there, even where it is blank: that one is meant to be served, and is refused. */
function fromEnvironment(env: CliContext['env']): Checked<GatewayConfig> {
  const meant = templateProviders.filter(({ name }) => environmentSecrets(env, name).kind !== 'unset')
  if (meant.length > 0) return { ok: true, value: { sources: sourcesOf(meant) } }
  const variables = templateProviders.map(({ name }) => secretVariable(name)).join(', ')
  return problem('sources', `there is no postern.config.ts here, and none of ${variables} is set`)
}
