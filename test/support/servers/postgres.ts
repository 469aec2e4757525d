import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { unprivilegedAccount, type Account } from './account.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { freePort } from './free-port.ts'
import { programFolder } from './programs.ts'
import { makeDataFolder, makeServerFolder, type DataPlace } from './server-folder.ts'
import { ServerProcess } from './server-process.ts'

/** A PostgreSQL server of one's own. */
export interface TestPostgres {
  /** Of the superuser and the database `postgres`, with the password. */
  readonly url: string
  readonly port: number
  readonly folder: string
  /** What the server has logged so far, through all its lives. */
  log(): string
  /** A fresh database. */
  database(): Promise<TestDatabase>
  /** Ends it in order, as a service manager does, and starts it again on the same port. */
  restart(): Promise<void>
  /** SIGSTOP to the server and all its processes: not one writes another byte. `kill` is what can follow. */
  halt(): void
  /** SIGKILL to the server and all its processes. The data stay. */
  kill(): Promise<void>
  /** Starts it again after `kill`; does nothing while it runs. */
  start(): Promise<void>
  /** Ends it at once and removes its folder. Done as well when the process ends, or is killed. */
  stop(): Promise<void>
}

/** What the first promise hangs on stands here in so many words, though it is the server's own default. */
const SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  // Files in its own folder, since those under /dev/shm outlive a server that was killed.
  dynamic_shared_memory_type: 'mmap',
}

/**
 * For a server that is killed. Before it recovers, PostgreSQL syncs each of its thousand files; or, on Linux, their filesystem, ten
 * times as fast.
 */
export const QUICK_RECOVERY: Readonly<Record<string, string>> =
  process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}

/** Starts a PostgreSQL server on a free port. @param settings Beside `SETTINGS`, or in their place. */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
  place: DataPlace = {},
): Promise<TestPostgres> {
  const programs = programFolder('postgres')
  const account = unprivilegedAccount()
  const folder = makeServerFolder('postgres', 'QUIT', account)
  try {
    const password = randomBytes(12).toString('hex')
    makeDataFolder(folder, place, account)
    await initDatabase({ programs, folder: folder.path, password, account })
    const port = await freePort()
    const args = [
      '-D',
      join(folder.path, 'data'),
      ...asArguments({ ...SETTINGS, ...settings, port: String(port) }),
    ]
    const ready = /database system is ready to accept connections/
    const server = new ServerProcess({ folder, program: join(programs, 'postgres'), args, ready, account })
    await server.start()
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
    return {
      url,
      port,
      folder: folder.path,
      log: () => server.log,
      database: () => createDatabase(url),
      restart: async () => {
        await server.end('SIGINT')
        await server.start()
      },
      halt: () => server.halt(),
      kill: () => server.kill(),
      start: () => server.start(),
      stop: folder.remove,
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

/** Nothing is synced: a machine that goes down here takes the whole run with it. */
async function initDatabase(options: {
  readonly programs: string
  readonly folder: string
  readonly password: string
  readonly account: Account | undefined
}): Promise<void> {
  const { programs, folder, password, account } = options
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (account !== undefined) chownSync(passwordFile, account.uid, account.gid)
  const args = ['-D', join(folder, 'data'), '-U', 'postgres', '--pwfile', passwordFile]
  await promisify(execFile)(
    join(programs, 'initdb'),
    [...args, '-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }, ...account },
  )
}

function asArguments(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
