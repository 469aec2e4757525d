import * as jose from 'jose'
import { defineAnySource, hasSecret, withSecret, type Provider, type Source, type Sources } from 'postern'
import type { GatewayConfig } from './define-config.ts'
import { messageOf, type Checked, type Problem } from './problem.ts'
import { environmentSecrets, secretVariable } from './secret-variable.ts'

/** Where a source's secret came from. */
export type SecretOrigin = 'configuration' | 'environment' | 'development' | 'handshake'

/** A source that can verify, or will once its handshake has brought a secret. */
export interface ResolvedSource {
  readonly source: Source
  readonly origin: SecretOrigin
}

export interface ResolveOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Development secrets by source; absent in production, where a missing secret is a problem. */
  readonly developmentSecrets?: ReadonlyMap<string, string>
  /** Sources whose secret a handshake may still bring. */
  readonly awaiting?: ReadonlySet<string>
}

/** Gives every source without a secret of its own one from the environment, or, in development, one made for it. */
export function resolveSources(
  sources: Sources,
  options: ResolveOptions,
): Checked<ReadonlyMap<string, ResolvedSource>> {
  const resolved = new Map<string, ResolvedSource>()
  const problems: Problem[] = []
  for (const [name, source] of Object.entries(sources)) {
    const result = resolveSource(name, source, options)
    if (result.ok) resolved.set(name, result.value)
    else problems.push(...result.problems)
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: resolved }
}

/** The names of the sources that need a development secret. */
export function withoutSecret(
  sources: Sources,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  return Object.entries(sources)
    .filter(([name, source]) => !hasSecret(source) && environmentSecrets(env, name).kind !== 'set')
    .map(([name]) => name)
}

/** The configuration with its sources as they were resolved. */
export function withSources(
  config: GatewayConfig,
  resolved: ReadonlyMap<string, ResolvedSource>,
): GatewayConfig {
  return { ...config, sources: Object.fromEntries([...resolved].map(([name, { source }]) => [name, source])) }
}

/** Providers as sources of their own name, still without secrets. */
export function sourcesOf(providers: readonly Provider[]): Sources {
  return Object.fromEntries(
    providers.map((provider) => [provider.name, defineAnySource(provider, {}, { jose })]),
  )
}

function resolveSource(
  name: string,
  source: Source,
  { env, developmentSecrets, awaiting }: ResolveOptions,
): Checked<ResolvedSource> {
  if (hasSecret(source)) return { ok: true, value: { source, origin: 'configuration' } }
  const variable = secretVariable(name)
  const path = `sources.${name}.secret`
  const found = environmentSecrets(env, name)
  const development = developmentSecrets?.get(name)
  const secrets = found.kind === 'set' ? found.secrets : development === undefined ? undefined : [development]
  if (secrets === undefined && awaiting?.has(name) === true)
    return { ok: true, value: { source, origin: 'handshake' } }
  if (secrets === undefined) {
    const what = found.kind === 'blank' ? 'is blank' : 'is not set'
    return {
      ok: false,
      problems: [{ path, message: `${variable} ${what}, and the configuration gives no secret` }],
    }
  }
  try {
    const origin = found.kind === 'set' ? 'environment' : 'development'
    return { ok: true, value: { source: withSecret(source, secrets), origin } }
  } catch (error) {
    return { ok: false, problems: [{ path, message: `${variable}: ${messageOf(error)}` }] }
  }
}
