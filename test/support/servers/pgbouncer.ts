import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unprivilegedAccount } from './account.ts'
import { freePort } from './free-port.ts'
import { programFolder } from './programs.ts'
import { makeServerFolder } from './server-folder.ts'
import { ServerProcess } from './server-process.ts'
import { throughPort } from './proxy.ts'

/** A PgBouncer in transaction mode before a PostgreSQL server. */
export interface TestPgBouncer {
  /** As the URL it was given, through PgBouncer. Another database's URL goes through it by `throughPort`. */
  readonly url: string
  readonly port: number
  log(): string
  stop(): Promise<void>
}

/** Starts a PgBouncer for all databases of a server. @param settings Of `[pgbouncer]`, beside its own. */
export async function startPgBouncer(
  postgres: { readonly url: string },
  settings: Readonly<Record<string, string>> = {},
): Promise<TestPgBouncer> {
  const program = join(programFolder('pgbouncer'), 'pgbouncer')
  const account = unprivilegedAccount()
  const folder = makeServerFolder('pgbouncer', 'KILL', account)
  try {
    const port = await freePort()
    const files = {
      'users.txt': usersOf(postgres.url),
      'pgbouncer.ini': configuration(postgres.url, {
        listen_addr: '127.0.0.1',
        listen_port: String(port),
        unix_socket_dir: '',
        pool_mode: 'transaction',
        auth_type: 'scram-sha-256',
        auth_file: join(folder.path, 'users.txt'),
        max_client_conn: '400',
        ...settings,
      }),
    }
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder.path, name)
      writeFileSync(path, text, { mode: 0o600 })
      if (account !== undefined) chownSync(path, account.uid, account.gid)
    }
    const args = [join(folder.path, 'pgbouncer.ini')]
    const server = new ServerProcess({ folder, program, args, ready: /process up/, account })
    await server.start()
    return { url: throughPort(postgres.url, port), port, log: () => server.log, stop: folder.remove }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

function configuration(serverUrl: string, settings: Readonly<Record<string, string>>): string {
  const { hostname, port } = new URL(serverUrl)
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  return ['[databases]', `* = host=${hostname} port=${port}`, '[pgbouncer]', ...lines, ''].join('\n')
}

function usersOf(serverUrl: string): string {
  const { username, password } = new URL(serverUrl)
  return `"${username}" "${decodeURIComponent(password)}"\n`
}
