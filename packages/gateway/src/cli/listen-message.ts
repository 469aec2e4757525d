import type { Address } from '../config/address.ts'
import { messageOf } from '../config/problem.ts'

const CHOOSE = { PORT: '--port or PORT', POSTERN_ADMIN: 'POSTERN_ADMIN=HOST:PORT' } as const

/** Why nobody can listen there, and what to do. */
export function listenMessage(error: unknown, { host, port }: Address, setting: keyof typeof CHOOSE): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return `port ${port} is taken by another process; choose another with ${CHOOSE[setting]}`
  if (code === 'EACCES') return `port ${port} is not open to this user; choose one from 1024 on`
  return `cannot listen on ${host ?? 'any address'}, port ${port}: ${messageOf(error)}`
}

/** The address to show for a listener: `localhost` where it listens on loopback or everywhere. */
export function httpUrl(host: string | undefined, port: number): string {
  if (host === undefined || host === '0.0.0.0' || host === '::' || host === 'localhost')
    return `http://localhost:${port}`
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
