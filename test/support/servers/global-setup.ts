import type { TestProject } from 'vitest/node'
import { leftOut, type TestedServer } from './left-out.ts'
import { Needs } from './needed.ts'
import { startPostgres } from './postgres.ts'
import { bringPrograms, type ServerName } from './programs.ts'
import { startRedis } from './redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The run's own PostgreSQL server; `undefined` where it is left out. Take a database of it by `createDatabase`. */
    postgresUrl: string | undefined
    /** The run's own Redis server; `undefined` where it is left out. Take a database of it by `createRedisDatabase`. */
    redisUrl: string | undefined
  }
}

interface Shared {
  readonly server: TestedServer
  readonly provided: 'postgresUrl' | 'redisUrl'
  /** A server that is there already. */
  readonly variable: string
  readonly start: () => Promise<{ readonly url: string; stop(): Promise<void> }>
}

const SHARED: readonly Shared[] = [
  {
    server: 'postgres',
    provided: 'postgresUrl',
    variable: 'POSTERN_TEST_POSTGRES',
    start: () => startPostgres(),
  },
  { server: 'redis', provided: 'redisUrl', variable: 'POSTERN_TEST_REDIS', start: () => startRedis() },
]
const PROGRAMS: readonly ServerName[] = ['postgres', 'redis', 'pgbouncer']

/** Starts the servers that the selected tests share, and answers how to end them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const needs = new Needs(project.vitest.state.getPaths())
  const without = leftOut()
  bringPrograms(PROGRAMS.filter((server) => needs.programs(server) && !isWithout(server, without)))
  const started = await Promise.allSettled(
    SHARED.map((shared) => provide(shared, { project, needs, without })),
  )
  const stopAll = async (): Promise<void> => {
    await Promise.all(started.map((each) => each.status === 'fulfilled' && each.value()))
    for (const server of without) console.warn(`NOT TESTED: ${server} (POSTERN_TEST_WITHOUT)`)
  }
  const failure = started.find((each) => each.status === 'rejected')
  if (failure === undefined) return stopAll
  await stopAll()
  throw failure.reason
}

async function provide(
  { server, provided, variable, start }: Shared,
  run: { readonly project: TestProject; readonly needs: Needs; readonly without: readonly TestedServer[] },
): Promise<() => Promise<void>> {
  const nothing = async (): Promise<void> => {}
  const { project, needs, without } = run
  const given = process.env[variable]
  if (without.includes(server) || !needs.shared(server)) {
    project.provide(provided, undefined)
    return nothing
  }
  if (given !== undefined && given !== '') {
    project.provide(provided, given)
    return nothing
  }
  const { url, stop } = await start()
  project.provide(provided, url)
  return stop
}

/** PgBouncer without PostgreSQL is of no use. */
function isWithout(server: ServerName, without: readonly TestedServer[]): boolean {
  return without.includes(server === 'pgbouncer' ? 'postgres' : server)
}
