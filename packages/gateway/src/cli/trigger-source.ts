import { join } from 'node:path'
import * as jose from 'jose'
import { defineAnySource, hasSecret, withSecret, type Source } from 'postern'
import { providers, templateProviders } from 'postern/providers'
import { findConfig, loadConfig } from '../config/config-file.ts'
import { orThrow } from '../config/problem.ts'
import { environmentSecrets, secretVariable } from '../config/secret-variable.ts'
import { escapeUnprintable } from '../observe/escape.ts'
import type { CliContext } from './context.ts'
import { readSecrets, SECRETS_FILE } from './development-secrets.ts'
import { STATE_FOLDER } from './state-folder.ts'

/** A source that can sign, and where its secret came from, to be told where it does not fit. */
export interface SigningSource {
  readonly source: Source
  readonly secretFrom: string
}

export interface SourceQuery {
  readonly name: string
  /** Given on the command line. */
  readonly secret?: string | undefined
  readonly config?: string | undefined
}

/** Finds a source and its secret; a message says why there is none. */
export async function signingSource(
  { name, secret, config }: SourceQuery,
  context: Pick<CliContext, 'cwd' | 'env'>,
): Promise<SigningSource | { readonly missing: 'secret' | 'source'; readonly message: string }> {
  const configured = await configuredSource(name, config, context)
  if (configured === undefined) return { missing: 'source', message: unknownSource(name) }
  const found = secret === undefined ? await findSecret(name, context) : { secret, from: '--secret' }
  if (found !== undefined) return { source: withSecret(configured, [found.secret]), secretFrom: found.from }
  if (hasSecret(configured)) return { source: configured, secretFrom: 'the configuration' }
  const own = await configuredSource(name, config ?? findConfig(context.cwd), context)
  if (own !== undefined && hasSecret(own)) return { source: own, secretFrom: 'the configuration' }
  const made = (await isServedHere(name, config, context))
    ? ''
    : `add ${name} to the sources of a postern.config.ts and `
  return {
    missing: 'secret',
    message: `There is no signing secret for ${name}: set ${secretVariable(name)}, or ${made}start the gateway in this folder (npx postern dev), which makes one in ${SECRETS_FILE}`,
  }
}

/** Whether a development gateway of this folder has the source. */
async function isServedHere(
  name: string,
  config: string | undefined,
  { cwd }: Pick<CliContext, 'cwd'>,
): Promise<boolean> {
  const file = findConfig(cwd, config)
  if (file === undefined) return templateProviders.some((provider) => provider.name === name)
  return Object.hasOwn(orThrow(await loadConfig(file)).sources, name)
}

/** A built-in provider needs no configuration, whose file may do anything when it is run; other names stand only there. */
export async function configuredSource(
  name: string,
  config: string | undefined,
  { cwd }: Pick<CliContext, 'cwd'>,
): Promise<Source | undefined> {
  const builtIn = providers.find((provider) => provider.name === name)
  if (builtIn !== undefined && config === undefined) return defineAnySource(builtIn, {}, { jose })
  const file = findConfig(cwd, config)
  const sources = file === undefined ? {} : orThrow(await loadConfig(file)).sources
  return Object.hasOwn(sources, name) ? sources[name] : builtIn && defineAnySource(builtIn, {}, { jose })
}

async function findSecret(
  name: string,
  { cwd, env }: Pick<CliContext, 'cwd' | 'env'>,
): Promise<{ readonly secret: string; readonly from: string } | undefined> {
  const [secret] = secretsIn(env, name)
  if (secret !== undefined) return { secret, from: secretVariable(name) }
  const made = (await readSecrets(join(cwd, STATE_FOLDER, 'secrets.json')))?.get(name)
  return made === undefined ? undefined : { secret: made, from: SECRETS_FILE }
}

function secretsIn(env: CliContext['env'], name: string): readonly string[] {
  const found = environmentSecrets(env, name)
  return found.kind === 'set' ? found.secrets : []
}

export function unknownSource(name: string): string {
  const first = templateProviders.map((provider) => provider.name).join(', ')
  return `There is no source '${escapeUnprintable(name, 100)}'. Known are the sources of a postern.config.ts in this folder, and ${first} and ${providers.length - templateProviders.length} others: postern trigger --list shows them`
}
