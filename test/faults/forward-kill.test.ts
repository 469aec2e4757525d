/**
 * `kill -9` of a gateway that forwards and of the server that its events are on, and power cuts of both. What it answered 200 has to come to
 * every destination, byte-exact, whatever was under way at the end; what a target had taken by then comes to it again, under the id
 * that it drops copies by. The long form with its result is `docs/proofs/forward-kill.md`.
 */
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, type TestContext } from 'vitest'
import { mountDiskImage, type DiskImage } from '../support/disk-image.mjs'
import { endAgainAndAgain, type Came, type Ending } from '../support/ended-forwarding.ts'
import { tempFolder } from '../support/inbox.ts'
import { leftOut } from '../support/servers/left-out.ts'
import { QUICK_RECOVERY, startPostgres } from '../support/servers/postgres.ts'
import { startRedis } from '../support/servers/redis.ts'
import { skipVisibly } from '../support/skip.ts'

/** Long forms: `KILLS=100` or `CUTS=20 npx vitest run test/faults/forward-kill.test.ts`. The short ones try each ending once. */
const KILLS = Number(process.env['KILLS'] ?? 3)
const CUTS = Number(process.env['CUTS'] ?? 2)

/** What a gateway's events are on. */
interface Ground {
  /** See `places/`. */
  readonly place: string
  /** Where there is one. */
  readonly server?: Server
}

interface Server {
  halt(): void
  kill(): Promise<void>
  start(): Promise<void>
}

/** A server's settings. */
type Settings = Readonly<Record<string, string>>
type StoreName = 'sqlite' | 'postgres' | 'redis'

/** @param data An empty folder on a certain disk. */
const GROUNDS: Readonly<Record<StoreName, (data?: string, settings?: Settings) => Promise<Ground>>> = {
  sqlite: async (data = tempFolder()) => ({ place: join(data, 'postern.db') }),
  postgres: async (data, settings) => {
    const server = await startPostgres({ ...QUICK_RECOVERY, ...SMALL_LOG, ...settings }, { data })
    onTestFinished(() => server.stop())
    return { place: (await server.database()).url, server }
  },
  redis: async (data, settings) => {
    const server = await startRedis(settings, { data })
    onTestFinished(() => server.stop())
    return { place: server.url, server }
  },
}
/** Of the disk's gigabyte; and so that some ends fall into checkpoints. */
const SMALL_LOG = { max_wal_size: '128MB', min_wal_size: '32MB' }

const isTested = (name: StoreName): boolean => !leftOut().some((server) => server === name)
const STORES = (['sqlite', 'postgres', 'redis'] as const).filter(isTested)
/** What does not wait for the disk. `synchronous_commit = off` is none: the store turns it on in its own transactions. */
const CONTROLS = (
  [
    ['postgres', 'fsync', 'off'],
    ['redis', 'appendfsync', 'no'],
  ] as const
).filter(([name]) => isTested(name))

test.for(STORES)(
  `%s: after ${KILLS} kills under load every acknowledged event has come to both destinations, byte-exact`,
  { timeout: 60_000 + KILLS * 20_000 },
  async (name) => {
    const { place, server } = await GROUNDS[name]()
    const endings = [killOf(), ...(server ? [killUnder(server), killOf(server)] : [])]
    const came = await endAgainAndAgain({ folder: tempFolder(), place, times: KILLS, endings })
    expectAllCame(came)
    console.info(`${name}, ${KILLS} kills: ${inShort(came)}`)
  },
)

test.for(STORES)(
  `%s: after ${CUTS} power cuts under load every acknowledged event has come to both destinations, byte-exact`,
  { timeout: 120_000 + CUTS * 20_000 },
  async (name, context) => {
    const { disk, data } = diskOf(context)
    const { place, server } = await GROUNDS[name](data)
    // What a server is made of is on the disk before anything is tried.
    disk.sync()
    const endings = [cutOf(disk, server), ...(server ? [cutUnder(disk, server)] : [])]
    const came = await endAgainAndAgain({ folder: tempFolder(), place, times: CUTS, endings })
    expectAllCame(came)
    console.info(`${name}, ${CUTS} power cuts: ${inShort(came)}`)
  },
)

test.for(CONTROLS)(
  'negative control: %s with %s = %s is found out at its first power cut',
  { timeout: 120_000 },
  async ([name, setting, value], context) => {
    const { disk, data } = diskOf(context)
    const { place, server } = await GROUNDS[name](data, { [setting]: value })
    disk.sync()
    const cut = cutOf(disk, server)
    let isCut = false
    const mend = (): unknown => {
      isCut = true
      return cut.mend()
    }
    const ended = { folder: tempFolder(), place, times: 1, endings: [{ ...cut, mend }], mayLose: true }
    const came = await endAgainAndAgain(ended).catch((error: unknown) => {
      if (!isCut) throw error
      // All is lost where the server does not start again, or its database is gone.
      console.info(`${name}: nothing can be read any more: ${String(error)}`)
    })
    if (came === undefined) return
    const count = (kind: 'lost' | 'invented'): number =>
      came.wrong.reduce((sum, wrong) => sum + wrong[kind].length, 0)
    const [lost, notStored] = [count('lost'), count('invented')]
    // Which of both depends on how far a destination had got.
    expect(lost + notStored).toBeGreaterThan(0)
    console.info(
      `${name}: of ${came.acknowledged} × 2, ${lost} never came, and ${notStored} came and are not stored`,
    )
  },
)

/** The gateway, and with it the server, where one is given. */
function killOf(server?: Server): Ending {
  return {
    endsGateway: true,
    strike: (gateway) => Promise.all([gateway.kill(), server?.kill()]),
    mend: () => server?.start(),
  }
}

/** The server alone. */
function killUnder(server: Server): Ending {
  return { endsGateway: false, strike: () => server.kill(), mend: () => server.start() }
}

/** Of all: whoever could write is halted before the cut, and gone before the disk is mounted again. */
function cutOf(disk: DiskImage, server: Server | undefined): Ending {
  return {
    endsGateway: true,
    strike: async (gateway) => {
      server?.halt()
      gateway.halt()
      disk.cutPower()
      await Promise.all([gateway.kill(), server?.kill()])
    },
    mend: async () => {
      disk.restorePower()
      await server?.start()
    },
  }
}

/** Of the server alone: the gateway is on another machine. */
function cutUnder(disk: DiskImage, server: Server): Ending {
  return {
    endsGateway: false,
    strike: async () => {
      server.halt()
      disk.cutPower()
      await server.kill()
    },
    mend: async () => {
      disk.restorePower()
      await server.start()
    },
  }
}

/** With an empty folder for a server's data. */
function diskOf(context: TestContext): { readonly disk: DiskImage; readonly data: string } {
  const folder = tempFolder()
  // A server that may not run as root has to find its data in it.
  chmodSync(folder, 0o711)
  const disk = mountDiskImage(folder)
  if ('refused' in disk) skipVisibly(context, disk.refused)
  onTestFinished(() => disk.unmount())
  const data = join(disk.folder, 'data')
  mkdirSync(data)
  return { disk, data }
}

function expectAllCame({ wrong, copies, gatewaysEnded, outages, refused }: Came): void {
  const nothing = { lost: [], altered: [], forged: [], invented: [], renamed: [], open: [] }
  expect(wrong).toEqual(wrong.map(({ name }) => ({ name, ...nothing })))
  // Else nothing was tried: at every end of a gateway each target had taken what nobody had settled.
  for (const count of copies) expect(count).toBeGreaterThanOrEqual(gatewaysEnded)
  expect(refused).toBeGreaterThanOrEqual(outages)
}

function inShort({ acknowledged, unanswered, gatewaysEnded, outages, refused, copies }: Came): string {
  return `${acknowledged} acknowledged, ${unanswered} stored without an answer; gateways ended: ${gatewaysEnded}, outages: ${outages} with ${refused} refused; copies: ${copies.join(' and ')}`
}
