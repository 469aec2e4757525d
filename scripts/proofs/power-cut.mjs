// Cuts the power under a server that takes webhooks and compares what its client was promised with what the disk has,
// id by id. Then the same with a server whose driver does not wait for the disk, which has to be found out.
//
//   npm run proof:power-cut -- [--cuts 20] [--control 12] [--json]
//
// The client is a process of its own and notes an id, on another filesystem, once it has read the whole 200.
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ChildServer, endWithThisProcess } from '../../test/support/child-server.mjs'
import { mountDiskImage } from '../../test/support/disk-image.mjs'
import { readStored } from '../../test/support/stored.mjs'
import { fsyncP50Ms } from './fsync.mjs'
import { temporaryFolder } from './temporary-folder.mjs'

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '20' },
    control: { type: 'string', default: '12' },
    json: { type: 'boolean', default: false },
  },
})
const CLIENT = fileURLToPath(new URL('../../test/support/load-client.mjs', import.meta.url))
const LYING_DRIVER = fileURLToPath(new URL('../../test/support/normal-sync-driver.cjs', import.meta.url))
const CONNECTIONS = 16
const SECRET = randomBytes(32).toString('hex')

const say = values.json ? () => {} : console.log
const folder = temporaryFolder('postern-power-cut-')
const mounted = mountDiskImage(folder)
const found = 'refused' in mounted ? mounted : await prove(mounted)
if (values.json) console.log(JSON.stringify(found))
else say('refused' in found ? `not done: ${found.refused}` : summary(found))
if (isBad(found)) process.exitCode = 1

async function prove(disk) {
  const fsyncMs = fsyncP50Ms(disk.folder)
  say(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, fsync p50 ${fsyncMs} ms`)
  const sound = await cutUntil({ disk, name: 'sound', cuts: Number(values.cuts), isEnough: () => false })
  const control = await cutUntil({
    disk,
    name: 'control',
    driver: LYING_DRIVER,
    cuts: Number(values.control),
    isEnough: ({ missing }) => missing > 0,
  })
  const file = join(disk.folder, 'sound.db')
  return {
    fsyncMs,
    sound,
    control,
    ...(sound.length > 0 && { effects: await settleEffects(file, logOf('sound')) }),
  }
}

/** Cuts the power under one file again and again; what was acknowledged before one cut has to outlive all that follow. */
async function cutUntil({ disk, name, driver, cuts, isEnough }) {
  const file = join(disk.folder, `${name}.db`)
  const log = logOf(name)
  for (const path of Object.values(log)) writeFileSync(path, '')
  const rows = []
  for (let cut = 1; cut <= cuts; cut += 1) {
    const options = { file, secret: SECRET, ...(driver && { driver }) }
    await cutOnce({ disk, options, log, prefix: `${name}_${cut}`, goal: goalOf(cut) })
    const row = { cut, ...(await compare(file, log)) }
    rows.push(row)
    say(`${name} ${String(cut).padStart(2)}  ${JSON.stringify(row)}`)
    if (isEnough(row)) break
  }
  return rows
}

async function cutOnce({ disk, options, log, prefix, goal }) {
  const server = await ChildServer.start(options)
  const clientOptions = { port: server.port, secret: SECRET, prefix, connections: CONNECTIONS, goal, ...log }
  const client = fork(CLIENT, [JSON.stringify(clientOptions)], { execArgv: [] })
  endWithThisProcess(client)
  const clientEnded = once(client, 'exit')
  await once(client, 'message')
  server.halt()
  disk.cutPower()
  await server.kill()
  await clientEnded
  disk.restorePower()
}

/** Uneven, so that the cuts fall on different moments of commit, checkpoint and settle. */
function goalOf(cut) {
  return 500 + ((cut * 2617) % 6000)
}

async function compare(file, log) {
  const { sent, acknowledged } = readLog(log)
  const { ids, altered, integrity } = await readStored(file)
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
async function settleEffects(file, log) {
  const server = await ChildServer.start({ file, secret: SECRET })
  await server.finish()
  const { acknowledged } = readLog(log)
  const { effects } = await readStored(file)
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
      `control, synchronous = NORMAL: ${lost.missing} of ${lost.acknowledged} missing after ${control.length} cuts`,
  ]
  return `\n${lines.filter(Boolean).join('\n')}`
}
