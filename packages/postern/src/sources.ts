import { hasSecret, PosternError, withSecret, type Logger, type Secret, type Source } from './core/index.ts'
import { sharedStaticSecret } from './core/secrets-apart.ts'
import { leavesTimeForHandler, senderTimeoutMs } from './receive/index.ts'

/** Sources by name: the name is the last part of the path. */
export type Sources = Readonly<Record<string, Source>>

const SOURCE_NAME = /^[a-z0-9_-]{1,64}$/

type Entries = readonly (readonly [name: string, source: Source])[]

/** The sources of an inbox, by name. Refuses what could only go wrong later, and warns of what will. */
export function checkedSources(sources: Sources, log: Logger): Map<string, Source> {
  const entries = Object.entries(sources)
  assertNames(entries)
  assertSendersWait(entries)
  for (const [name, source] of entries) warnOf(name, source, log)
  assertSecretsAreKept(entries)
  assertOwnSecrets(entries)
  return new Map(entries)
}

/** Replaces a source's secret for what comes from now on; refuses what `checkedSources` would, and changes nothing then. */
export function replaceSecret(sources: Map<string, Source>, name: string, secret: Secret): void {
  const source = sources.get(name)
  if (source === undefined) {
    throw new PosternError(
      'bad_config',
      `Cannot set a secret of '${name}': no source of that name is configured`,
    )
  }
  if (source.handshake?.keep !== undefined) {
    // Without one for a moment, it would take the next that anybody brings.
    throw new PosternError('bad_config', `Cannot set a secret of '${name}': its handshakes bring its secrets`)
  }
  const replaced = withSecret(source, secret)
  assertOwnSecrets([...sources].map(([each, its]) => [each, each === name ? replaced : its]))
  sources.set(name, replaced)
}

function assertNames(sources: Entries): void {
  const wrong = sources.find(([name]) => !SOURCE_NAME.test(name))
  if (wrong === undefined) return
  throw new PosternError(
    'bad_config',
    `sources: the name ${JSON.stringify(wrong[0])} must match ${SOURCE_NAME.source}`,
  )
}

/** Answered before its handler could be done, it would have 503 for every request, and no handler would ever run to its end. */
function assertSendersWait(sources: Entries): void {
  const hasty = sources.find(([, source]) => source.ack === 'handled' && !leavesTimeForHandler(source))
  if (hasty === undefined) return
  const [name, source] = hasty
  throw new PosternError(
    'bad_config',
    `sources.${name}: ${source.provider.title} waits ${senderTimeoutMs(source)} ms for its answer, too short for a handler to be waited for; leave out ack: 'handled', and it is answered once the event is recorded`,
  )
}

function warnOf(name: string, source: Source, log: Logger): void {
  for (const warning of source.warnings) log.warn(`sources.${name}: ${warning}`)
  if (hasSecret(source)) return
  log.warn(`sources.${name}: no signing secret is set; its requests are answered 503 until there is one`)
}

function assertSecretsAreKept(sources: Entries): void {
  const unkept = sources.find(
    ([, { handshake }]) => handshake?.keep === undefined && handshake?.rules.some((rule) => rule.secret),
  )
  if (unkept === undefined) return
  throw new PosternError(
    'bad_config',
    `sources.${unkept[0]}: its handshake brings a secret, and nobody keeps it; give handshake: { keep: (secret) => … }`,
  )
}

function assertOwnSecrets(sources: Entries): void {
  const shared = sharedStaticSecret(sources)
  if (shared === undefined) return
  throw new PosternError(
    'bad_config',
    `sources: ${shared.join(' and ')} have the same secret, and one of them is sent it with every request: give each its own`,
  )
}
