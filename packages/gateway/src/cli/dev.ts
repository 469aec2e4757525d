import { styleText } from 'node:util'
import { join } from 'node:path'
import type { Sources } from 'postern'
import { templateProviders } from 'postern/providers'
import { samples } from 'postern/samples'
import { findConfig, loadConfig } from '../config/config-file.ts'
import type { GatewayConfig } from '../config/define-config.ts'
import { orThrow } from '../config/problem.ts'
import {
  destinationsWithoutSecret,
  resolveDestinations,
  type AnyResolvedDestination,
} from '../config/resolve-destinations.ts'
import {
  resolveSources,
  sourcesOf,
  withoutSecret,
  withSources,
  type ResolvedSource,
} from '../config/resolve-sources.ts'
import { environmentSecrets, secretVariable } from '../config/secret-variable.ts'
import { systemTicker } from '../observe/burst.ts'
import { LikeliestCause } from '../observe/likeliest-cause.ts'
import { RejectedFiles } from '../observe/rejected-files.ts'
import { TerminalLog, type Paint } from '../observe/terminal-log.ts'
import { triggerLine } from '../observe/trigger-line.ts'
import type { CliContext } from './context.ts'
import { developmentSecrets, keepSecret, readSecrets, SECRETS_FILE } from './development-secrets.ts'
import { DEFAULT_PREFIX, startGateway, type RunningGateway } from './gateway.ts'
import { httpUrl } from './listen-message.ts'
import { LiveSecrets } from './live-secrets.ts'
import { runUntilStopped } from './run-until-stopped.ts'
import { readSettings, type GatewayFlags, type Settings } from './settings.ts'
import { openStateFolder, STATE_FOLDER } from './state-folder.ts'

/** What the log has to know of a gateway that is only just starting. */
interface View {
  sources: ReadonlyMap<string, ResolvedSource>
  baseUrl: string
}

/** `postern dev`: everything there without a configuration, and every request told of on the terminal. */
export async function dev(flags: GatewayFlags, context: CliContext): Promise<number> {
  const settings = orThrow(readSettings({ flags, env: context.env, cwd: context.cwd, mode: 'development' }))
  const view: View = { sources: new Map(), baseUrl: '' }
  const log = createLog(context, view)
  return runUntilStopped({
    context,
    reporter: log,
    start: () => start({ settings, config: flags.config }, context, log, view),
  })
}

async function start(
  { settings, config: named }: { readonly settings: Settings; readonly config: string | undefined },
  context: CliContext,
  reporter: TerminalLog,
  view: View,
): Promise<RunningGateway> {
  const file = findConfig(context.cwd, named)
  const given: GatewayConfig =
    file === undefined ? { sources: sourcesOf(templateProviders) } : orThrow(await loadConfig(file))
  view.sources = await sourcesWithSecrets(given, context, reporter)
  const config: GatewayConfig = {
    ...withSources(given, view.sources),
    // What a handler would tell of is told by `observe`, with its duration.
    handlers: given.handlers ?? ((on) => [...view.sources.keys()].map((name) => on(name, '*', () => {}))),
  }
  const destinations = await destinationsWithSecrets(given, context, reporter)
  const gateway = await startGateway({ settings, config, destinations, reporter, context })
  view.baseUrl =
    httpUrl(isDefaultHost(settings) ? undefined : settings.listen.host, gateway.port) +
    (config.prefix ?? DEFAULT_PREFIX)
  context.stdout.write(banner(settings, view, gateway, context.version))
  const live = await followSecrets(view, gateway, context, reporter)
  return {
    ...gateway,
    stop: async () => {
      await live.stop()
      await gateway.stop()
    },
  }
}

/** What is registered or rotated at a vendor counts without a restart. */
async function followSecrets(
  { sources }: View,
  { setSecret }: RunningGateway,
  { cwd, now }: CliContext,
  { log }: TerminalLog,
): Promise<LiveSecrets> {
  const made = [...sources].filter(([, { origin }]) => origin === 'development').map(([name]) => name)
  const live = new LiveSecrets({ folder: join(cwd, STATE_FOLDER), sources: made, setSecret, log, now })
  await live.start()
  return live
}

async function sourcesWithSecrets(
  { sources }: GatewayConfig,
  { cwd, env, randomBytes }: CliContext,
  { log }: TerminalLog,
): Promise<ReadonlyMap<string, ResolvedSource>> {
  const warn = (message: string): void => log.warn(message)
  const folder = await openStateFolder(cwd, warn)
  const kept = keepingSecrets(sources, folder)
  // A secret made here would be none that its sender knows.
  const awaiting = new Set(
    [...kept].filter(([name, source]) => source !== sources[name]).map(([name]) => name),
  )
  const names = withoutSecret(sources, env).filter((name) => !awaiting.has(name))
  for (const name of names.filter((each) => environmentSecrets(env, each).kind === 'blank')) {
    warn(`${secretVariable(name)} is blank; ${name} uses its development secret`)
  }
  const made = await developmentSecrets(names, { folder, randomBytes, warn })
  const known = new Map([...((await readSecrets(join(folder, 'secrets.json'))) ?? []), ...made])
  return orThrow(resolveSources(Object.fromEntries(kept), { env, developmentSecrets: known, awaiting }))
}

/** The sources; those whose handshake brings a secret that nobody keeps have it kept beside the development secrets. */
function keepingSecrets(
  sources: GatewayConfig['sources'],
  folder: string,
): ReadonlyMap<string, GatewayConfig['sources'][string]> {
  return new Map(
    Object.entries(sources).map(([name, source]) => {
      const { handshake } = source
      const isUnkept = handshake?.keep === undefined && handshake?.rules.some((rule) => rule.secret)
      if (handshake === undefined || isUnkept !== true) return [name, source]
      const keep = (secret: string): Promise<void> => keepSecret(name, secret, { folder })
      return [name, { ...source, handshake: { ...handshake, keep } }]
    }),
  )
}

/** Their secrets stand beside those of the sources, under names that no source can have. */
async function destinationsWithSecrets(
  { sources, destinations = {} }: GatewayConfig,
  { cwd, env, randomBytes }: CliContext,
  { log }: TerminalLog,
): Promise<readonly AnyResolvedDestination[]> {
  const warn = (message: string): void => log.warn(message)
  const keys = destinationsWithoutSecret(destinations, env).map((name) => DESTINATION_KEY + name)
  const made = await developmentSecrets(keys, { folder: await openStateFolder(cwd, warn), randomBytes, warn })
  const secrets = new Map([...made].map(([key, secret]) => [key.slice(DESTINATION_KEY.length), secret]))
  return orThrow(
    resolveDestinations(destinations, { env, sources: Object.keys(sources), development: { secrets } }),
  )
}

const DESTINATION_KEY = 'destination:'

function createLog({ cwd, env, stdout }: CliContext, view: View): TerminalLog {
  const isColoured = stdout.isTTY === true && (env['NO_COLOR'] ?? '') === ''
  const paint: Paint = (style, text) => (isColoured ? styleText(style, text) : text)
  const cause = new LikeliestCause({
    sources: () => sourcesIn(view),
    sourceOf: (name) => view.sources.get(name)?.source,
    now: systemTicker.now,
  })
  return new TerminalLog({
    write: (text) => void stdout.write(text),
    ticker: systemTicker,
    paint,
    rejectedFiles: new RejectedFiles({ folder: join(cwd, STATE_FOLDER, 'rejected') }),
    rejectedFolder: `${STATE_FOLDER}/rejected`,
    providerOf: (source) => view.sources.get(source)?.source.provider,
    urlOf: (source) => `${view.baseUrl}/${source}`,
    causeOf: (...refused) => cause.of(...refused),
  })
}

function sourcesIn({ sources }: View): Sources {
  return Object.fromEntries([...sources].map(([name, { source }]) => [name, source]))
}

const ORIGIN_TEXT: Readonly<Record<ResolvedSource['origin'], (name: string) => string>> = {
  configuration: () => 'secret from the configuration',
  environment: (name) => `secret from ${secretVariable(name)}`,
  development: () => 'development secret',
  handshake: () => `secret to come with its handshake, into ${SECRETS_FILE}`,
}

function banner(settings: Settings, view: View, { adminUrl }: RunningGateway, version: string): string {
  const width = Math.max(...[...view.sources.keys()].map((name) => name.length))
  const urls = [...view.sources].map(
    ([name, { origin }]) => `  POST ${view.baseUrl}/${name.padEnd(width)}  ${ORIGIN_TEXT[origin](name)}`,
  )
  const isAnyMade = [...view.sources.values()].some(({ origin }) => origin === 'development')
  return [
    `Postern ${version}, development mode`,
    '',
    ...urls,
    '',
    ...(isAnyMade ? [`  Development secrets: ${SECRETS_FILE}`] : []),
    `  Events:              ${settings.store.shownAs}`,
    ...(adminUrl === undefined ? [] : [`  Admin API:           ${adminUrl}/api/events`]),
    '',
    'To send a signed event, in a second terminal:',
    `  ${exampleLine(view)}`,
    '',
    '',
  ].join('\n')
}

function exampleLine({ sources, baseUrl }: View): string {
  const [name = ''] = sources.keys()
  const known = samples.get(sources.get(name)?.source.provider.name ?? '') ?? []
  const type = known.some((sample) => sample.type === 'resource.created')
    ? 'resource.created'
    : (known[0]?.type ?? 'test')
  return triggerLine({ source: name, type, url: `${baseUrl}/${name}` })
}

/** Development listens on 127.0.0.1, and `localhost` is the name people know for that. */
function isDefaultHost({ listen }: Settings): boolean {
  return listen.host === '127.0.0.1'
}
