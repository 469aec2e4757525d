import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as postgresStore from '../../packages/postern/src/stores/postgres/index.ts'
import * as redisStore from '../../packages/postern/src/stores/redis/index.ts'
import { storeContract } from '../../packages/postern/src/testing/index.ts'
import { leftOut, type TestedServer } from '../support/servers/left-out.ts'
import { startPostgres } from '../support/servers/postgres.ts'
import { startRedis } from '../support/servers/redis.ts'
import { BROKEN_POSTGRES } from './broken-postgres.ts'
import { BROKEN_REDIS } from './broken-redis.ts'
import { PATIENT_POSTGRES, PATIENT_REDIS, type ServerBreak } from './broken-servers.ts'
import { broken, type Change } from './broken.ts'
import { checkStore } from './check-store.ts'
import { postgresRaces, redisRaces } from './races.ts'
import { harnessOf, PostgresWorlds, RedisWorlds, UNSYNCED, type Worlds } from './server-worlds.ts'

/** What is tried always, so that a failure today is a failure tomorrow. */
const FIXED_SEED = 20_261_121
/** And what is tried this time only; a failure prints it. */
const FRESH_SEED = Math.floor(Math.random() * 2 ** 31)
/** How many runs a broken store is given to be found in; it is given the fixed seed, and so always the same ones. */
const MOST_RUNS = 60
/** On a machine that many share; a quiet one takes a tenth. */
const PATIENCE_MS = 120_000

interface Tried<Kind extends Worlds, Module> {
  readonly name: string
  readonly server: TestedServer
  readonly entry: string
  readonly sound: Module
  readonly start: () => Promise<{
    worlds(module: Module): Kind
    stop(): Promise<void>
  }>
  readonly runs: number
  readonly races: Readonly<Record<string, (worlds: Kind) => Promise<void>>>
  readonly breaks: readonly ServerBreak[]
  readonly patient: Change
}

describeServer({
  name: 'PostgreSQL',
  server: 'postgres',
  entry: 'stores/postgres/index.ts',
  sound: postgresStore,
  start: async () => {
    const server = await startPostgres(UNSYNCED.postgres)
    return { worlds: ({ postgres }) => new PostgresWorlds(server, postgres), stop: () => server.stop() }
  },
  runs: 5,
  races: postgresRaces,
  breaks: BROKEN_POSTGRES,
  patient: PATIENT_POSTGRES,
})

describeServer({
  name: 'Redis',
  server: 'redis',
  entry: 'stores/redis/index.ts',
  sound: redisStore,
  start: async () => {
    const server = await startRedis(UNSYNCED.redis)
    return { worlds: ({ redis }) => new RedisWorlds(server, redis), stop: () => server.stop() }
  },
  runs: 10,
  races: redisRaces,
  breaks: BROKEN_REDIS,
  patient: PATIENT_REDIS,
})

function describeServer<Kind extends Worlds, Module>(tried: Tried<Kind, Module>): void {
  const { name, entry, runs, races, breaks, patient } = tried
  const isLeftOut = leftOut().includes(tried.server)

  describe.skipIf(isLeftOut)(name, () => {
    let server: Awaited<ReturnType<typeof tried.start>>
    let folder: string
    let sound: Kind
    const disposals: (() => Promise<void>)[] = []

    const worldsOf = async (module: Module): Promise<Kind> => {
      const worlds = server.worlds(module)
      disposals.push(() => worlds.dispose())
      await worlds.prepare()
      return worlds
    }
    const changed = async (title: string, ...changes: readonly Change[]): Promise<Kind> =>
      worldsOf(await broken<Module>(folder, entry, { name: title }, ...changes))

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'postern-broken-'))
      server = await tried.start()
      disposals.push(() => server.stop())
      sound = await worldsOf(tried.sound)
    })

    afterAll(async () => {
      for (const dispose of disposals.toReversed()) await dispose()
      rmSync(folder, { recursive: true, force: true })
    })

    test.each([
      ['fixed', FIXED_SEED],
      ['fresh', FRESH_SEED],
    ])(
      'two nodes do only what the model allows: %s seed %i',
      async (_, seed) => {
        await checkStore(() => sound.make(), { runs, seed })
      },
      PATIENCE_MS,
    )

    test(
      `nor do they where the server is killed: seed ${FRESH_SEED}`,
      async () => {
        await checkStore(() => sound.make({ killsServer: true }), { runs: 2, seed: FRESH_SEED })
      },
      PATIENCE_MS,
    )

    test(
      'two nodes come through what needs two',
      async () => {
        const worlds = await changed('sound, and patient', patient)
        for (const race of Object.values(races)) await race(worlds)
      },
      PATIENCE_MS,
    )

    test.each(breaks.map((change) => [change.name, change.clause, change] as const))(
      'there is found a store that %s, by %s',
      async (_name, _clause, change) => {
        const worlds = await changed(change.name, patient, change)
        await expect(tryAll(worlds, change.clause)).rejects.toThrow()
      },
      PATIENCE_MS,
    )

    async function tryAll(worlds: Kind, clause: string): Promise<void> {
      if (clause === 'model') {
        await checkStore(() => worlds.make(), { runs: MOST_RUNS, seed: FIXED_SEED, shrinks: false })
        return
      }
      const race = races[clause]
      if (race !== undefined) return race(worlds)
      const cases = storeContract.filter((each) => each.clause === clause)
      for (const { run } of cases) {
        const harness = harnessOf(await worlds.empty())
        await run(harness).finally(() => harness.dispose())
      }
    }
  })
}
