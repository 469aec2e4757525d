import type { BlockList } from 'node:net'
import { isLoopback, parseHostPort, parsePort, type Address } from '../config/address.ts'
import { parseStore, type StoreLocation } from '../config/store-url.ts'
import { problem, type Checked, type Problem } from '../config/problem.ts'
import {
  readPublicUrl,
  readRetention,
  readRole,
  readTlsFiles,
  readTrustedProxies,
} from './network-settings.ts'
import type { Role } from './role.ts'
import { STATE_FOLDER } from './state-folder.ts'
import type { TlsFiles } from './tls.ts'

/** What `dev` and `serve` take on the command line; each wins over its variable. */
export interface GatewayFlags {
  readonly port?: string
  readonly host?: string
  readonly config?: string
  readonly store?: string
  /** Of `serve` alone. */
  readonly role?: string
  /** Of `serve`, and of `doctor` for it, as the one below. */
  readonly tlsCert?: string
  readonly tlsKey?: string
}

export interface AdminSettings {
  readonly address: Required<Address>
  readonly token: string | undefined
  /** Nobody asked for it, so that it may go missing. */
  readonly isDefault: boolean
}

export interface Settings {
  readonly listen: Address
  readonly store: StoreLocation
  /** By the configuration's own word a store may be used that loses acknowledged events when its server crashes. */
  readonly mayLoseAcknowledgedEvents: boolean
  readonly admin: AdminSettings | undefined
  readonly role: Role
  /** Absent: plain HTTP, as behind a proxy. */
  readonly tls?: TlsFiles | undefined
  /** What stands before a request's path in the URL that its sender knows. */
  readonly publicUrl?: string | undefined
  /** Whose word on a request's sender is believed. */
  readonly trustedProxies?: BlockList | undefined
  /** Wins over the configuration's. */
  readonly retentionMs?: number | undefined
}

export interface SettingsInput {
  readonly flags: GatewayFlags
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly mode: 'development' | 'production'
}

const DEFAULT_PORT = 3000
const DEFAULT_ADMIN = { host: '127.0.0.1', port: 3001 } as const
const SHORTEST_TOKEN = 16

/** Reads flags and environment; all that is wrong at once. */
export function readSettings(input: SettingsInput): Checked<Settings> {
  const { flags, mode } = input
  const problems: Problem[] = []
  const take = <T>(checked: Checked<T>): T | undefined => {
    if (checked.ok) return checked.value
    problems.push(...checked.problems)
    return undefined
  }
  // In development nobody else has any business here; `--host` opens it.
  const host = flags.host ?? (mode === 'development' ? '127.0.0.1' : undefined)
  const port = take(readPort(input))
  const store = take(readStore(input))
  const mayLoseAcknowledgedEvents = take(readAcceptedLoss(input)) ?? false
  const admin = take(readAdmin(input))
  const role = take(readRole(input)) ?? 'all'
  const network = {
    tls: take(readTlsFiles(input)),
    publicUrl: take(readPublicUrl(input)),
    trustedProxies: take(readTrustedProxies(input)),
    retentionMs: take(readRetention(input)),
  }
  if (problems.length > 0 || port === undefined || store === undefined) return { ok: false, problems }
  const listen = { port, ...(host !== undefined && { host }) }
  return { ok: true, value: { listen, store, mayLoseAcknowledgedEvents, admin, role, ...network } }
}

function readPort({ flags, env }: SettingsInput): Checked<number> {
  if (flags.port !== undefined) return parsePort(flags.port, '--port')
  const text = present(env['PORT'])
  return text === undefined ? { ok: true, value: DEFAULT_PORT } : parsePort(text, 'PORT')
}

/** A Redis that is set for something else is no reason for `dev` to leave its own folder. */
export function readStore({ flags, env, cwd, mode }: SettingsInput): Checked<StoreLocation> {
  if (flags.store !== undefined) return parseStore(flags.store, cwd, '--store')
  const [given, redisUrl] = [present(env['POSTERN_STORE']), present(env['REDIS_URL'])]
  if (given === undefined && redisUrl !== undefined && mode === 'production')
    return parseRedisUrl(redisUrl, cwd)
  return parseStore(given ?? `sqlite:${STATE_FOLDER}/postern.db`, cwd, 'POSTERN_STORE')
}

function parseRedisUrl(text: string, cwd: string): Checked<StoreLocation> {
  const parsed = parseStore(text, cwd, 'REDIS_URL')
  return !/^rediss?:/.test(text) || (parsed.ok && parsed.value.kind !== 'redis')
    ? problem('REDIS_URL', 'not a redis:// or rediss:// URL; for another store set POSTERN_STORE')
    : parsed
}

const ACCEPTED_LOSS = 'POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS'

export function readAcceptedLoss({ env }: Pick<SettingsInput, 'env'>): Checked<boolean> {
  const text = present(env[ACCEPTED_LOSS])
  if (text !== undefined && text !== 'yes' && text !== 'no')
    return problem(ACCEPTED_LOSS, "is neither 'yes' nor 'no'; nothing else says it in so many words")
  return { ok: true, value: text === 'yes' }
}

function readAdmin({ env, mode }: SettingsInput): Checked<AdminSettings | undefined> {
  const token = present(env['POSTERN_ADMIN_TOKEN'])
  const text = present(env['POSTERN_ADMIN'])
  if (text === undefined && mode === 'production') return { ok: true, value: undefined }
  const address =
    text === undefined ? { ok: true as const, value: DEFAULT_ADMIN } : parseHostPort(text, 'POSTERN_ADMIN')
  if (!address.ok) return address
  if (token !== undefined && token.length < SHORTEST_TOKEN) {
    return tokenProblem(`is shorter than ${SHORTEST_TOKEN} characters; make one with: openssl rand -hex 32`)
  }
  if (token === undefined && !isLoopback(address.value.host)) {
    return tokenProblem(
      `is not set, and POSTERN_ADMIN (${text}) is open to others; set a token of at least ${SHORTEST_TOKEN} characters, or use 127.0.0.1`,
    )
  }
  return { ok: true, value: { address: address.value, token, isDefault: text === undefined } }
}

function tokenProblem(message: string): Checked<never> {
  return { ok: false, problems: [{ path: 'POSTERN_ADMIN_TOKEN', message }] }
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}
