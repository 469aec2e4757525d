import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from './free-port.ts'
import { programFolder } from './programs.ts'
import { makeDataFolder, makeServerFolder, type DataPlace } from './server-folder.ts'
import { ServerProcess } from './server-process.ts'

/** A Redis server of one's own. */
export interface TestRedis {
  /** With the password. */
  readonly url: string
  readonly port: number
  readonly folder: string
  /** What the server has logged so far, through all its lives. */
  log(): string
  /** Ends it in order, as a service manager does, and starts it again on the same port. */
  restart(): Promise<void>
  /** SIGSTOP to the server and a rewrite that it may have under way. `kill` is what can follow. */
  halt(): void
  /** SIGKILL to the server and a rewrite that it may have under way. The data stay. */
  kill(): Promise<void>
  /**
   * Starts it again after `kill`; does nothing while it runs. Where the append-only file ends in the middle of a command,
   * which a server with `aof-load-truncated no` refuses, it does what the operator is told to: `redis-check-aof --fix`.
   */
  start(): Promise<void>
  /** Ends it at once and removes its folder. Done as well when the process ends, or is killed. */
  stop(): Promise<void>
}

/** What the first promise hangs on; the server's own defaults lose up to everything. */
const SETTINGS: Readonly<Record<string, string>> = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  'aof-load-truncated': 'no',
  'maxmemory-policy': 'noeviction',
  save: '',
  bind: '127.0.0.1',
  databases: '1000',
}

/** Where a node of a cluster listens for the others, unless `cluster-port` says otherwise (Redis 7). */
const BUS_OFFSET = 10_000

/** Starts a Redis server on a free port. @param settings Beside `SETTINGS`, or in their place. */
export async function startRedis(
  settings: Readonly<Record<string, string>> = {},
  place: DataPlace = {},
): Promise<TestRedis> {
  const programs = programFolder('redis')
  const folder = makeServerFolder('redis', 'KILL')
  try {
    const port = await freePorts(settings['cluster-enabled'] === 'yes' ? [0, BUS_OFFSET] : [0])
    const password = randomBytes(12).toString('hex')
    const data = makeDataFolder(folder, place)
    const all = { ...SETTINGS, ...settings, port: String(port), dir: data, requirepass: password }
    const file = join(folder.path, 'redis.conf')
    writeFileSync(file, asConfiguration(all), { mode: 0o600 })
    const program = join(programs, 'redis-server')
    const server = new ServerProcess({ folder, program, args: [file], ready: /Ready to accept connections/ })
    await server.start()
    return {
      url: `redis://:${password}@127.0.0.1:${port}`,
      port,
      folder: folder.path,
      log: () => server.log,
      restart: async () => {
        await server.end('SIGTERM')
        await server.start()
      },
      halt: () => server.halt(),
      kill: () => server.kill(),
      start: () => startRepaired(server, join(programs, 'redis-check-aof'), data),
      stop: folder.remove,
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

async function startRepaired(server: ServerProcess, checker: string, data: string): Promise<void> {
  try {
    await server.start()
  } catch (error) {
    if (!/Unexpected end of file|MULTI/.test(String(error))) throw error
    await repair(checker, join(data, 'appendonlydir/appendonly.aof.manifest'))
    await server.start()
  }
}

function repair(checker: string, manifest: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(checker, ['--fix', manifest], (error, stdout) =>
      error === null ? resolve() : reject(new Error(`redis-check-aof failed:\n${stdout}`)),
    )
    // It asks for each file.
    child.stdin?.end('y\ny\ny\n')
  })
}

function asConfiguration(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} "${value}"\n`)
    .join('')
}
