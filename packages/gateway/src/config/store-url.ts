import { resolve } from 'node:path'
import { problem, type Checked } from './problem.ts'

/** What can keep events. */
export type StoreKind = 'sqlite' | 'postgres' | 'redis'

/** Where events are kept. */
export interface StoreLocation {
  readonly kind: StoreKind
  /** An absolute path, or a URL with the password that it may have: never to be shown. */
  readonly address: string
  /** The address without user, password and parameters. */
  readonly shownAs: string
  /** The flag or variable that it was read from. */
  readonly setting: string
}

interface Given {
  readonly text: string
  readonly cwd: string
  readonly setting: string
}

/** The schemes that there are, and how what follows them is read. */
const SCHEMES: Readonly<Record<string, (given: Given) => Checked<StoreLocation>>> = {
  sqlite: readPath,
  postgres: (given) => readUrl('postgres', given),
  postgresql: (given) => readUrl('postgres', given),
  redis: (given) => readUrl('redis', given),
  rediss: (given) => readUrl('redis', given),
}
const SUPPORTED = 'there are sqlite:PATH, postgres://USER:PASSWORD@HOST/DATABASE and redis://HOST:PORT'

/** Reads `POSTERN_STORE` and its like. The value is never repeated in a message: a database's URL has a password in it. */
export function parseStore(text: string, cwd: string, setting: string): Checked<StoreLocation> {
  const scheme = /^([a-z][a-z0-9+.-]*):/.exec(text)?.[1]
  if (scheme === undefined) return problem(setting, `not of the form SCHEME:…; ${SUPPORTED}`)
  const read = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined
  if (read === undefined) return problem(setting, `the store '${scheme}' is not supported; ${SUPPORTED}`)
  return read({ text, cwd, setting })
}

function readPath({ text, cwd, setting }: Given): Checked<StoreLocation> {
  const path = text.slice(text.indexOf(':') + 1).replace(/^\/\/(?=\/)/, '')
  if (path === '') return problem(setting, `the path is missing; ${SUPPORTED}`)
  if (path.startsWith(':'))
    return problem(setting, 'a store in memory loses what was acknowledged; give the path of a file')
  const address = resolve(cwd, path)
  return { ok: true, value: { kind: 'sqlite', address, shownAs: address, setting } }
}

function readUrl(kind: StoreKind, { text, setting }: Given): Checked<StoreLocation> {
  if (!/^\w+:\/\//.test(text) || !URL.canParse(text) || hasStrayPassword(new URL(text))) {
    return problem(
      setting,
      'not a URL; in a user name or password write / ? # @ : % as %2F %3F %23 %40 %3A %25',
    )
  }
  const { protocol, host, pathname } = new URL(text)
  // PostgreSQL's client has a default, and takes a socket's folder as a parameter.
  if (host === '' && kind !== 'postgres') return problem(setting, `the host is missing; ${SUPPORTED}`)
  return { ok: true, value: { kind, address: text, shownAs: `${protocol}//${host}${pathname}`, setting } }
}

/** A password cut short at its `/`, `?` or `#` is read as a port, and the rest as a path: both would be shown. */
function hasStrayPassword({ username, password, pathname, search, hash }: URL): boolean {
  return hash !== '' || (username === '' && password === '' && `${pathname}${search}`.includes('@'))
}
