import { isLoopback, parseHostPort, parsePort, type Address } from '../config/address.ts'
import { parseStore, type StoreLocation } from '../config/store-url.ts'
import type { Checked, Problem } from '../config/problem.ts'
import { STATE_FOLDER } from './state-folder.ts'

/** What `dev` and `serve` take on the command line; each wins over its variable. */
export interface GatewayFlags {
  readonly port?: string
  readonly host?: string
  readonly config?: string
  readonly store?: string
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
  readonly admin: AdminSettings | undefined
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
  const admin = take(readAdmin(input))
  if (problems.length > 0 || port === undefined || store === undefined) return { ok: false, problems }
  const listen = { port, ...(host !== undefined && { host }) }
  return { ok: true, value: { listen, store, admin } }
}

function readPort({ flags, env }: SettingsInput): Checked<number> {
  if (flags.port !== undefined) return parsePort(flags.port, '--port')
  const text = present(env['PORT'])
  return text === undefined ? { ok: true, value: DEFAULT_PORT } : parsePort(text, 'PORT')
}

function readStore({ flags, env, cwd }: SettingsInput): Checked<StoreLocation> {
  if (flags.store !== undefined) return parseStore(flags.store, cwd, '--store')
  return parseStore(
    present(env['POSTERN_STORE']) ?? `sqlite:${STATE_FOLDER}/postern.db`,
    cwd,
    'POSTERN_STORE',
  )
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
