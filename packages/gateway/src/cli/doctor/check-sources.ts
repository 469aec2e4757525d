import type { Sources } from 'postern'
import { memory } from 'postern/memory'
import type { GatewayConfig } from '../../config/define-config.ts'
import { messageOf } from '../../config/problem.ts'
import { resolveDestinations, type AnyResolvedDestination } from '../../config/resolve-destinations.ts'
import { resolveSources, withSources, type ResolvedSource } from '../../config/resolve-sources.ts'
import { secretVariable } from '../../config/secret-variable.ts'
import type { CliContext } from '../context.ts'
import { createInbox } from '../inbox.ts'
import { readGivenConfig } from '../production-config.ts'
import type { GatewayStore } from '../stores/store-opener.ts'
import { checkVendorKeys } from './check-vendor-keys.ts'
import { fail, failures, ok, warn, type Finding } from './finding.ts'

const ORIGIN_TEXT: Readonly<Record<ResolvedSource['origin'], (name: string) => string>> = {
  configuration: () => 'has its secret from the configuration',
  environment: (name) => `has its secret from ${secretVariable(name)}`,
  development: () => 'has a development secret',
  handshake: () => 'waits for the secret of its handshake',
}

export interface CheckedSources {
  readonly findings: readonly Finding[]
  /** Those that can verify. */
  readonly sources: Sources
}

/** The configuration, and the secrets of each of its sources and destinations. */
export async function checkSources(
  file: string | undefined,
  env: CliContext['env'],
): Promise<CheckedSources> {
  const given = await readGivenConfig(file, env)
  if (!given.ok) return { findings: failures(given.problems), sources: {} }
  const findings: Finding[] = []
  const resolved = new Map<string, ResolvedSource>()
  for (const [name, source] of Object.entries(given.value.sources)) {
    const checked = resolveSources({ [name]: source }, { env })
    if (!checked.ok) findings.push(...failures(checked.problems))
    for (const [, each] of checked.ok ? checked.value : []) {
      resolved.set(name, each)
      findings.push(ok(`sources.${name}`, ORIGIN_TEXT[each.origin](name)))
    }
  }
  const config = withSources(given.value, resolved)
  const destinations = checkDestinations(given.value, env)
  // With those that cannot verify: what names them, as a handler does, is right all the same.
  const sources = { ...given.value.sources, ...config.sources }
  const told = new Set(
    Object.keys(sources).flatMap((name) => (resolved.has(name) ? [] : [`sources.${name}`])),
  )
  const tried = await tryConfig({ ...config, sources }, destinations.resolved)
  findings.push(...destinations.findings, ...tried.filter(({ subject }) => !told.has(subject)))
  findings.push(...checkVendorKeys(config, env))
  return { findings, sources: config.sources }
}

function checkDestinations(
  { sources, destinations = {} }: GatewayConfig,
  env: CliContext['env'],
): { readonly resolved: readonly AnyResolvedDestination[]; readonly findings: readonly Finding[] } {
  const findings: Finding[] = []
  const resolved: AnyResolvedDestination[] = []
  for (const [name, destination] of Object.entries(destinations)) {
    const checked = resolveDestinations({ [name]: destination }, { env, sources: Object.keys(sources) })
    if (!checked.ok) findings.push(...failures(checked.problems))
    for (const each of checked.ok ? checked.value : []) {
      resolved.push(each)
      const { origin } = new URL(each.url)
      const how = 'notify' in each ? `tells ${each.notify} at ${origin}` : `sends to ${origin}, signed`
      findings.push(ok(`destinations.${name}`, how))
    }
  }
  return { resolved, findings }
}

/** Puts an inbox together that never starts, and passes on what it says of its configuration. */
async function tryConfig(
  config: GatewayConfig,
  destinations: readonly AnyResolvedDestination[],
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const note = (message: string): void => {
    const [, subject = 'configuration', text = message] = /^([\w.-]+): (.*)$/s.exec(message) ?? []
    findings.push(warn(subject, text))
  }
  if (config.handlers === undefined && config.destinations === undefined)
    note(
      'handlers: neither they nor destinations are configured, so that events are stored and nothing else is done with them',
    )
  try {
    const log = { debug() {}, info() {}, warn: note, error: note }
    const store: GatewayStore = memory()
    const { postern, forwarding } = createInbox({ config, destinations, store, log })
    await postern.stop({ graceMs: 0 })
    await forwarding.stop()
  } catch (error) {
    findings.push(fail('configuration', messageOf(error)))
  }
  return findings
}
