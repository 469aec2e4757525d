import { resolve } from 'node:path'
import type { BlockList } from 'node:net'
import { parseDuration } from '../config/duration.ts'
import { problem, type Checked } from '../config/problem.ts'
import { parsePublicUrl } from '../config/public-url.ts'
import { parseTrustedProxies } from '../config/trusted-proxies.ts'
import { parseRole, type Role } from './role.ts'
import type { SettingsInput } from './settings.ts'
import type { TlsFiles } from './tls.ts'

/** Reads what this process does; in development it is always all. */
export function readRole({ flags, env, mode }: SettingsInput): Checked<Role> {
  const text = flags.role ?? present(env['POSTERN_ROLE'])
  const name = flags.role === undefined ? 'POSTERN_ROLE' : '--role'
  const role: Checked<Role> = text === undefined ? { ok: true, value: 'all' } : parseRole(text, name)
  if (role.ok && role.value !== 'all' && mode === 'development')
    return problem(name, 'is for serve: in development one process does all')
  return role
}

/** Reads where certificate and key are; `undefined` where neither is named. Of `serve` only: development has no certificate. */
export function readTlsFiles({ flags, env, cwd, mode }: SettingsInput): Checked<TlsFiles | undefined> {
  if (mode === 'development') return { ok: true, value: undefined }
  const cert = flags.tlsCert ?? present(env['POSTERN_TLS_CERT'])
  const key = flags.tlsKey ?? present(env['POSTERN_TLS_KEY'])
  if (cert === undefined && key === undefined) return { ok: true, value: undefined }
  const certSetting = flags.tlsCert === undefined ? 'POSTERN_TLS_CERT' : '--tls-cert'
  const keySetting = flags.tlsKey === undefined ? 'POSTERN_TLS_KEY' : '--tls-key'
  if (cert === undefined)
    return problem(certSetting, 'is not set, and a key without its certificate serves nobody')
  if (key === undefined)
    return problem(keySetting, 'is not set, and a certificate without its key serves nobody')
  const [certPath, keyPath] = [resolve(cwd, cert), resolve(cwd, key)]
  return { ok: true, value: { certPath, keyPath, certSetting, keySetting } }
}

export function readPublicUrl({ env }: SettingsInput): Checked<string | undefined> {
  return optional(env, 'POSTERN_PUBLIC_URL', parsePublicUrl)
}

export function readTrustedProxies({ env }: SettingsInput): Checked<BlockList | undefined> {
  return optional(env, 'POSTERN_TRUSTED_PROXIES', parseTrustedProxies)
}

export function readRetention({ env }: SettingsInput): Checked<number | undefined> {
  return optional(env, 'POSTERN_RETENTION', parseDuration)
}

function optional<T>(
  env: SettingsInput['env'],
  name: string,
  parse: (text: string, name: string) => Checked<T>,
): Checked<T | undefined> {
  const text = present(env[name])
  return text === undefined ? { ok: true, value: undefined } : parse(text, name)
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}
