import { join } from 'node:path'
import { PosternError, withSecret, type Source, type Sources } from 'postern'
import { providers } from 'postern/providers'
import { findConfig, loadConfig } from '../../config/config-file.ts'
import { orThrow } from '../../config/problem.ts'
import { resolveSources } from '../../config/resolve-sources.ts'
import { environmentSecrets } from '../../config/secret-variable.ts'
import type { CliContext } from '../context.ts'
import { readSecrets } from '../development-secrets.ts'
import { STATE_FOLDER } from '../state-folder.ts'
import { configuredSource, unknownSource } from '../trigger-source.ts'
import { UsageError } from '../usage-error.ts'

/** A source to hold a request against, and what else may have signed it. */
export interface ExplainedSource {
  readonly source: Source
  /** Secrets that no request can be verified by as they are; perhaps that is what is wrong. */
  readonly candidates: readonly string[]
  readonly otherSources: Sources
}

export interface ExplainedQuery {
  readonly name: string
  /** Given on the command line; in place of those that are set. */
  readonly secrets: readonly string[]
  readonly config: string | undefined
}

/** Finds a source with its secrets, where `trigger` finds them too, and the other sources that have one. */
export async function explainedSource(
  { name, secrets, config }: ExplainedQuery,
  context: Pick<CliContext, 'cwd' | 'env'>,
): Promise<ExplainedSource> {
  const configured = await configuredSource(name, config, context)
  if (configured === undefined) throw new UsageError(unknownSource(name))
  const made =
    (await readSecrets(join(context.cwd, STATE_FOLDER, 'secrets.json'))) ?? new Map<string, string>()
  const set = secrets.length > 0 ? secrets : secretsOf(name, made, context)
  const usable = set.filter((secret) => canVerify(configured, secret))
  return {
    source: usable.length === 0 ? configured : withSecret(configured, usable),
    candidates: set.filter((secret) => !usable.includes(secret)),
    otherSources: await othersThan(name, config, made, context),
  }
}

function secretsOf(
  name: string,
  made: ReadonlyMap<string, string>,
  { env }: Pick<CliContext, 'env'>,
): readonly string[] {
  const found = environmentSecrets(env, name)
  if (found.kind === 'set') return found.secrets
  const secret = made.get(name)
  return secret === undefined ? [] : [secret]
}

function canVerify(source: Source, secret: string): boolean {
  try {
    withSecret(source, [secret])
    return true
  } catch (error) {
    if (error instanceof PosternError) return false
    throw error
  }
}

/** The built-in sources whose secret is set, and those of a configuration that was named. */
async function othersThan(
  name: string,
  config: string | undefined,
  made: ReadonlyMap<string, string>,
  context: Pick<CliContext, 'cwd' | 'env'>,
): Promise<Sources> {
  const file = config === undefined ? undefined : findConfig(context.cwd, config)
  const given = file === undefined ? {} : orThrow(await loadConfig(file)).sources
  const builtIn = await Promise.all(
    providers.map(
      async (provider) => [provider.name, await configuredSource(provider.name, undefined, context)] as const,
    ),
  )
  const all: Record<string, Source> = {}
  for (const [other, source] of [...builtIn, ...Object.entries(given)]) {
    if (other === name || source === undefined) continue
    const resolved = resolveSources({ [other]: source }, { env: context.env, developmentSecrets: made })
    const found = resolved.ok ? resolved.value.get(other) : undefined
    if (found !== undefined) all[other] = found.source
  }
  return all
}
