import { resolve } from 'node:path'
import { problem, type Checked } from './problem.ts'

/** Where events are kept. */
export interface StoreLocation {
  readonly kind: 'sqlite'
  /** Absolute. */
  readonly path: string
}

const SUPPORTED = 'supported now: sqlite:PATH'

/** Reads `POSTERN_STORE`. The value is never repeated in a message: a database's URL has a password in it. */
export function parseStore(text: string, cwd: string, name: string): Checked<StoreLocation> {
  const colon = text.indexOf(':')
  const scheme = colon < 0 ? '' : text.slice(0, colon)
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return problem(name, `not of the form SCHEME:…; ${SUPPORTED}`)
  if (scheme !== 'sqlite') return problem(name, `the store '${scheme}' is not supported; ${SUPPORTED}`)
  const path = text.slice(colon + 1).replace(/^\/\/(?=\/)/, '')
  if (path === '') return problem(name, `the path is missing; ${SUPPORTED}`)
  if (path.startsWith(':'))
    return problem(name, 'a store in memory loses what was acknowledged; give the path of a file')
  return { ok: true, value: { kind: 'sqlite', path: resolve(cwd, path) } }
}
