import { isIP } from 'node:net'
import { standardWebhooks } from 'postern/providers'
import {
  isGlobal,
  networksOf,
  type DestinationOptions,
  type ResolvedDestination,
  type Route,
} from '../forward/index.ts'
import {
  isNotification,
  resolvedNotification,
  type Notification,
  type ResolvedNotification,
} from '../notify/index.ts'
import type { AnyDestination } from './destinations-schema.ts'
import { problem, type Checked, type Problem } from './problem.ts'
import { destinationSecretVariable, environmentSecretsIn } from './secret-variable.ts'

export interface ResolveDestinationsOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The names of the sources. */
  readonly sources: readonly string[]
  /** In development: secrets made for destinations without one, and this machine may be sent to. */
  readonly development?: { readonly secrets: ReadonlyMap<string, string> }
}

type Destinations = Readonly<Record<string, AnyDestination>>

/** A destination of either kind, with all that it needs. */
export type AnyResolvedDestination = ResolvedDestination | ResolvedNotification

const MAKE_A_SECRET = `make one with: echo "whsec_$(openssl rand -base64 32)"`
/** The library's own words are of a provider's secret, that is to be copied again from there. */
const NO_SECRET = `is no secret to sign with, which is whsec_ and 24 bytes or more in base64; ${MAKE_A_SECRET}`

/** In development the service that is tried out runs beside the gateway. */
const OWN_MACHINE = ['127.0.0.0/8', '::1']

/** Gives every destination its secrets, and looks at what only the whole configuration can tell. */
export function resolveDestinations(
  destinations: Destinations,
  options: ResolveDestinationsOptions,
): Checked<readonly AnyResolvedDestination[]> {
  const resolved: AnyResolvedDestination[] = []
  const problems: Problem[] = []
  for (const [name, given] of Object.entries(destinations)) {
    const destination = options.development === undefined ? given : withOwnMachine(given)
    const found = [...urlProblems(destination), ...routeProblems(destination, options.sources)]
    problems.push(...found.map(({ path, message }) => ({ path: `destinations.${name}.${path}`, message })))
    const each = isNotification(destination)
      ? notificationFor(name, destination)
      : destinationFor(name, destination, options)
    if (!each.ok) problems.push(...each.problems)
    else resolved.push(each.value)
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: resolved }
}

/** The names of the destinations that need a development secret. */
export function destinationsWithoutSecret(
  destinations: Destinations,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  return Object.entries(destinations)
    .filter(
      ([name, destination]) =>
        !isNotification(destination) &&
        secretsIn(destination.secret).length === 0 &&
        environmentSecretsIn(env, destinationSecretVariable(name)).kind !== 'set',
    )
    .map(([name]) => name)
}

function withOwnMachine<Each extends AnyDestination>(destination: Each): Each {
  return { ...destination, allowNetworks: [...(destination.allowNetworks ?? []), ...OWN_MACHINE] }
}

function destinationFor(
  name: string,
  destination: DestinationOptions,
  options: ResolveDestinationsOptions,
): Checked<ResolvedDestination> {
  const secrets = secretsFor(name, destination, options)
  return secrets.ok ? { ok: true, value: { ...destination, name, secrets: secrets.value } } : secrets
}

/** Its key is in its URL or beside it; only a webhook of one's own may have one that signs. */
function notificationFor(name: string, notification: Notification): Checked<ResolvedNotification> {
  const value = resolvedNotification(name, notification)
  try {
    if (value.secret !== undefined) standardWebhooks({ secret: value.secret })
    return { ok: true, value }
  } catch {
    return problem(`destinations.${name}.secret`, NO_SECRET)
  }
}

function secretsFor(
  name: string,
  { secret }: DestinationOptions,
  { env, development }: ResolveDestinationsOptions,
): Checked<readonly string[]> {
  const variable = destinationSecretVariable(name)
  const found = environmentSecretsIn(env, variable)
  const made = development?.secrets.get(name)
  const [own, fromEnvironment, fromDevelopment] = [
    secretsIn(secret),
    found.kind === 'set' ? found.secrets : [],
    made === undefined ? [] : [made],
  ]
  const path = `destinations.${name}.secret`
  const secrets = [own, fromEnvironment, fromDevelopment].find((each) => each.length > 0)
  if (secrets === undefined) {
    const what = found.kind === 'blank' ? 'is blank' : 'is not set'
    return problem(path, `${variable} ${what}, and the configuration gives no secret; ${MAKE_A_SECRET}`)
  }
  try {
    for (const each of secrets) standardWebhooks({ secret: each })
    return { ok: true, value: secrets }
  } catch {
    return problem(path, own.length > 0 ? NO_SECRET : `${variable} ${NO_SECRET}`)
  }
}

function secretsIn(secret: DestinationOptions['secret']): readonly string[] {
  return [secret].flat().filter((each) => each !== undefined && each.trim() !== '') as string[]
}

/** A name is looked at when it is connected to; what is an address already can be refused now. */
function urlProblems(destination: AnyDestination): readonly Problem[] {
  const { allowNetworks = [] } = destination
  const option = 'webhookUrl' in destination ? 'webhookUrl' : 'url'
  const url = isNotification(destination) ? resolvedNotification('', destination).url : destination.url
  const { protocol, hostname } = new URL(url)
  const withoutTls = { path: option, message: 'http goes only into a network of allowNetworks; use https' }
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  if (isIP(host) !== 0 && !networksOf(allowNetworks).has(host)) {
    if (!isGlobal(host)) {
      return [
        {
          path: option,
          message: `${host} is not on the public internet; where that is meant, name its network in allowNetworks`,
        },
      ]
    }
    if (protocol === 'http:') return [withoutTls]
  }
  return protocol === 'http:' && allowNetworks.length === 0 ? [withoutTls] : []
}

function routeProblems(destination: AnyDestination, sources: readonly string[]): readonly Problem[] {
  const { from } = destination
  const weighed = isNotification(destination) ? (destination.severity ?? []) : []
  return [
    ...unknownSources('from', from === undefined ? [] : [from].flat(), sources),
    ...unknownSources('severity', weighed, sources),
  ]
}

function unknownSources(
  path: string,
  routes: readonly Route[],
  sources: readonly string[],
): readonly Problem[] {
  const unknown = routes
    .map(({ source = '*' }) => source)
    .filter((source) => source !== '*' && !sources.includes(source))
  return unknown.map((source) => ({
    path,
    message: `'${source}' is not one of the sources: ${sources.join(', ')}`,
  }))
}
