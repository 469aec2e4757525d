import { templateProviders } from 'postern/providers'
import { loadConfig } from '../config/config-file.ts'
import type { GatewayConfig } from '../config/define-config.ts'
import { problem, type Checked } from '../config/problem.ts'
import { resolveDestinations, type AnyResolvedDestination } from '../config/resolve-destinations.ts'
import { resolveSources, sourcesOf, withSources } from '../config/resolve-sources.ts'
import { environmentSecrets, secretVariable } from '../config/secret-variable.ts'
import type { CliContext } from './context.ts'

export interface ProductionConfig {
  readonly config: GatewayConfig
  readonly destinations: readonly AnyResolvedDestination[]
}

/** What `serve` runs with: every source of it can verify, and every destination sign. */
export async function readProductionConfig(
  file: string | undefined,
  env: CliContext['env'],
): Promise<Checked<ProductionConfig>> {
  const given = await readGivenConfig(file, env)
  if (!given.ok) return given
  const { sources, destinations = {} } = given.value
  const resolved = resolveSources(sources, { env })
  const sending = resolveDestinations(destinations, { env, sources: Object.keys(sources) })
  if (resolved.ok && sending.ok) {
    return {
      ok: true,
      value: { config: withSources(given.value, resolved.value), destinations: sending.value },
    }
  }
  return {
    ok: false,
    problems: [resolved, sending].flatMap((checked) => (checked.ok ? [] : checked.problems)),
  }
}

/** What the file says, or the environment where there is none; secrets may still be missing. */
export async function readGivenConfig(
  file: string | undefined,
  env: CliContext['env'],
): Promise<Checked<GatewayConfig>> {
  return file === undefined ? fromEnvironment(env) : loadConfig(file)
}

/** The providers whose variable is there, even where it is blank: that one is meant to be served, and is refused. */
function fromEnvironment(env: CliContext['env']): Checked<GatewayConfig> {
  const meant = templateProviders.filter(({ name }) => environmentSecrets(env, name).kind !== 'unset')
  if (meant.length > 0) return { ok: true, value: { sources: sourcesOf(meant) } }
  const variables = templateProviders.map(({ name }) => secretVariable(name)).join(', ')
  return problem('sources', `there is no postern.config.ts here, and none of ${variables} is set`)
}
