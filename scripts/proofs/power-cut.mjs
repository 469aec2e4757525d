// Cuts the power under a store that takes webhooks and compares what the client was promised with what the disk has, id
// by id. Then the same with a store that does not wait for the disk, which has to be found out.
//
//   npm run proof:power-cut -- [--store sqlite | postgres | redis] [--cuts 20] [--control 12] [--spread 6000] [--setting name=value] [--json]
//
// The client is a process of its own and notes an id, on another filesystem, once it has read the whole 200.
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ChildServer, endWithThisProcess } from '../../test/support/child-server.mjs'
import { mountDiskImage } from '../../test/support/disk-image.mjs'
import { readStored } from '../../test/support/stored.mjs'
import { fsyncP50Ms } from './fsync.mjs'
import { makeGround } from './ground.mjs'
import { temporaryFolder } from './temporary-folder.mjs'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    /** Of the sound server, such as `synchronous_commit=off`. */
    setting: { type: 'string', multiple: true, default: [] },
    cuts: { type: 'string', default: '20' },
    control: { type: 'string', default: '12' },
    /** Events between two cuts: 500, and up to so many more. */
    spread: { type: 'string', default: '6000' },
    json: { type: 'boolean', default: false },
  },
})
const CLIENT = fileURLToPath(new URL('../../test/support/load-client.mjs', import.meta.url))
const LYING_DRIVER = fileURLToPath(new URL('../../test/support/normal-sync-driver.cjs', import.meta.url))
const CONNECTIONS = 64
const SECRET = randomBytes(32).toString('hex')
/** Of the disk's gigabyte; and so that cuts fall into checkpoints too. */
const SMALL_LOG = { max_wal_size: '128MB', min_wal_size: '32MB' }

/** Each store as it should be, and one that acknowledges before the disk has it. */
const STORES = {
  sqlite: {
    sound: {},
    control: { name: 'synchronous = NORMAL', server: { driver: LYING_DRIVER } },
  },
  postgres: {
    sound: { settings: SMALL_LOG },
    control: {
      // `synchronous_commit = off` loses nothing: the store turns it on in its own transactions.
      name: 'fsync = off',
      settings: { ...SMALL_LOG, fsync: 'off' },
      server: { mayLose: true },
    },
  },
  redis: {
    sound: {},
    control: {
      name: 'appendfsync everysec',
      settings: { appendfsync: 'everysec' },
      server: { mayLose: true },
    },
  },
}

const say = values.json ? () => {} : console.log
const folder = temporaryFolder('postern-power-cut-')
// A server that may not run as root has to find its data in it.
chmodSync(folder, 0o711)
const mounted = mountDiskImage(folder)
const found = 'refused' in mounted ? mounted : await prove(mounted)
if (values.json) console.log(JSON.stringify(found))
else say('refused' in found ? `not done: ${found.refused}` : summary(found))
if (isBad(found)) process.exitCode = 1

async function prove(disk) {
  const fsyncMs = fsyncP50Ms(disk.folder)
  say(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, fsync p50 ${fsyncMs} ms`)
  const sound = await cutUntil({
    disk,
    name: 'sound',
    cuts: Number(values.cuts),
    isEnough: () => false,
    atTheEnd: settleEffects,
  })
  const control = await cutUntil({
    disk,
    name: 'control',
    cuts: Number(values.control),
    isEnough: ({ missing }) => missing > 0,
    atTheEnd: async () => {},
  })
  return { fsyncMs, sound: sound.rows, control: control.rows, ...(sound.end && { effects: sound.end }) }
}

/** Cuts the power under one store again and again; what was acknowledged before one cut has to outlive all that follow. */
async function cutUntil({ disk, name, cuts, isEnough, atTheEnd }) {
  if (cuts === 0) return { rows: [] }
  const { settings, server } = STORES[values.store][name]
  const data = join(disk.folder, name)
  const others = name === 'sound' ? Object.fromEntries(values.setting.map((each) => each.split('='))) : {}
  const ground = await makeGround(values.store, { folder, settings: { ...settings, ...others }, data })
  const place = await ground.place('inbox')
  // What a server is made of is on the disk before anything is tried.
  disk.sync()
  const log = logOf(name)
  for (const path of Object.values(log)) writeFileSync(path, '')
  const rows = []
  for (let cut = 1; cut <= cuts; cut += 1) {
    const options = { place, secret: SECRET, ...server }
    await cutOnce({ disk, ground, options, log, prefix: `${name}_${cut}`, goal: goalOf(cut) })
    const depth = cut === cuts ? 'whole' : 'ids'
    const row = { cut, ...(await compareAfterStart(ground, place, log, depth)) }
    rows.push(row)
    say(`${name} ${String(cut).padStart(2)}  ${JSON.stringify(row)}`)
    if (isEnough(row)) break
  }
  const end = await atTheEnd(place, log)
  await ground.stop()
  return { rows, end }
}

/** All that could write is halted before the cut, and gone before the disk is mounted again. */
async function cutOnce({ disk, ground, options, log, prefix, goal }) {
  const server = await ChildServer.start(options)
  const clientOptions = { port: server.port, secret: SECRET, prefix, connections: CONNECTIONS, goal, ...log }
  const client = fork(CLIENT, [JSON.stringify(clientOptions)], { execArgv: [] })
  endWithThisProcess(client)
  const clientEnded = once(client, 'exit')
  await once(client, 'message')
  ground.server?.halt()
  server.halt()
  disk.cutPower()
  await server.kill()
  await ground.server?.kill()
  await clientEnded
  disk.restorePower()
}

/** Bodies are read at the last cut. All is lost where the server does not start again, or the store cannot be read. */
async function compareAfterStart({ server }, place, log, depth) {
  try {
    await server?.start()
    return await compare(place, log, depth)
  } catch ({ message }) {
    const { acknowledged } = readLog(log)
    const [said = message] = /(error|fatal|panic): .+/i.exec(message) ?? []
    return { acknowledged: acknowledged.size, missing: acknowledged.size, integrity: said }
  }
}

/** Uneven, so that the cuts fall on different moments of commit, checkpoint and settle. */
function goalOf(cut) {
  return 500 + ((cut * 2617) % Number(values.spread))
}

async function compare(place, log, depth) {
  const { sent, acknowledged } = readLog(log)
  const { ids, altered, integrity } = await readStored(place, depth)
  const stored = new Set(ids)
  return {
    acknowledged: acknowledged.size,
    missing: [...acknowledged].filter((id) => !stored.has(id)).length,
    unacknowledgedPresent: ids.filter((id) => !acknowledged.has(id)).length,
    altered: altered.length,
    doubled: ids.length - stored.size,
    invented: ids.filter((id) => !sent.has(id)).length,
    integrity,
  }
}

/** Has the rest handled, and counts the effects: one for each event that is stored. */
async function settleEffects(place, log) {
  const server = await ChildServer.start({ place, secret: SECRET })
  await server.finish()
  const { acknowledged } = readLog(log)
  const { effects } = await readStored(place)
  const counts = [...effects.values()]
  return {
    ofAcknowledged: [...acknowledged].filter((id) => effects.has(id)).length,
    moreThanOne: counts.filter((count) => count > 1).length,
    total: counts.reduce((sum, count) => sum + count, 0),
  }
}

/** Where the client notes what it sent and what it was promised: not on the disk whose power is cut. */
function logOf(name) {
  return { sent: join(folder, `${name}.sent`), acknowledged: join(folder, `${name}.acknowledged`) }
}

function readLog({ sent, acknowledged }) {
  const ids = (path) => new Set(readFileSync(path, 'utf8').split('\n').filter(Boolean))
  return { sent: ids(sent), acknowledged: ids(acknowledged) }
}

function isBad(result) {
  if ('refused' in result) return false
  const { sound, control, effects } = result
  const isWrong = ({ missing, altered, doubled, invented, integrity }) =>
    missing + altered + doubled + invented > 0 || integrity !== 'ok'
  const isBlind = control.length > 0 && control.every(({ missing }) => missing === 0)
  return sound.some(isWrong) || isBlind || effects?.moreThanOne > 0
}

function summary({ sound, control, effects }) {
  const [kept, lost] = [sound.at(-1), control.at(-1)]
  const lines = [
    kept &&
      `${sound.length} cuts: ${kept.acknowledged} acknowledged, ${kept.missing} missing; ${kept.unacknowledgedPresent} present without an answer`,
    effects &&
      `effects of acknowledged events: ${effects.ofAcknowledged}; ids with more than one: ${effects.moreThanOne}`,
    lost &&
      `control, ${STORES[values.store].control.name}: ${lost.missing} of ${lost.acknowledged} missing after ${control.length} cuts`,
  ]
  return `\n${lines.filter(Boolean).join('\n')}`
}
