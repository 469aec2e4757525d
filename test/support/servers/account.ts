import { readFileSync } from 'node:fs'

/** Whom a server runs as. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** For servers that refuse to run as root: `undefined` where we are not root, and may run them as ourselves. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const entries = lines.map((line) => line.split(':'))
  const entry =
    entries.find(([name]) => name === 'postgres') ?? entries.find(([name]) => name === 'nobody') ?? []
  return { uid: Number(entry[2]), gid: Number(entry[3]) }
}
