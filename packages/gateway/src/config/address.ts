import { problem, type Checked } from './problem.ts'

/** Where to listen. */
export interface Address {
  /** Absent: every address of the machine. */
  readonly host?: string
  readonly port: number
}

const LARGEST_PORT = 65_535

/** Reads a port; 0 lets the system choose one. */
export function parsePort(text: string, name: string): Checked<number> {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : Infinity
  if (port > LARGEST_PORT)
    return problem(name, `'${clip(text)}' is not a port; give a number from 0 to ${LARGEST_PORT}`)
  return { ok: true, value: port }
}

/** Reads `host:port`, `[::1]:port` for IPv6. */
export function parseHostPort(text: string, name: string): Checked<Required<Address>> {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > LARGEST_PORT) {
    return problem(name, `'${clip(text)}' is not of the form host:port, such as 127.0.0.1:3001 or [::1]:3001`)
  }
  return { ok: true, value: { host, port } }
}

/** Whether only this machine can reach a listener at this host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
