// Fails one sync or write of a server's disk after the other, and kills the server in one after the other, and compares
// what its client was promised with what is there after a restart.
//
//   npm run proof:disk-errors -- [--syncs 100] [--writes 200] [--starts 60] [--kills 200]
//     [--checkpoint-syncs 3] [--checkpoint-writes 40] [--step 1] [--json]
//
// For each n up to the number given (each `--step`th of them), counted from the moment of arming.
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ChildServer } from '../../test/support/child-server.mjs'
import { makeFaultShim } from '../../test/support/fault-shim.mjs'
import { readStored } from '../../test/support/stored.mjs'
import { FaultClient } from './fault-client.mjs'
import { temporaryFolder } from './temporary-folder.mjs'

const { values } = parseArgs({
  options: {
    syncs: { type: 'string', default: '100' },
    writes: { type: 'string', default: '200' },
    starts: { type: 'string', default: '60' },
    kills: { type: 'string', default: '200' },
    // Under load a checkpoint seldom comes to its sync: each one takes some 10,000 events.
    'checkpoint-syncs': { type: 'string', default: '3' },
    'checkpoint-writes': { type: 'string', default: '40' },
    step: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const SECRET = randomBytes(32).toString('hex')
const ANSWER_WITHIN_MS = 2500
/** Errors between one kill and restart and the next. */
const ERRORS_PER_RESTART = 10

/** So that bodies are large and the next checkpoint is near. */
const LONG_NAME = 'x'.repeat(200)

/** What breaks, and how the shim is told so. The log is written by commits, the file beside it by checkpoints only. */
const ERRORS = [
  { name: 'sync EIO', counts: 'syncCalls', upTo: values.syncs, arm: (shim, n) => shim.failSync(n) },
  { name: 'write EIO', counts: 'writeCalls', upTo: values.writes, arm: (shim, n) => shim.failWrite(n) },
  {
    name: 'write ENOSPC',
    counts: 'writeCalls',
    upTo: values.writes,
    arm: (shim, n) => shim.failWrite(n, 1, 'ENOSPC'),
  },
  {
    name: 'checkpoint sync EIO',
    counts: 'syncCalls',
    upTo: values['checkpoint-syncs'],
    sparesLog: true,
    arm: (shim, n) => shim.failSync(n),
  },
  {
    name: 'checkpoint write EIO',
    counts: 'writeCalls',
    upTo: values['checkpoint-writes'],
    sparesLog: true,
    arm: (shim, n) => shim.failWrite(n),
  },
]

const folder = temporaryFolder('postern-disk-errors-')
const say = values.json ? () => {} : console.log
const built = makeFaultShim(folder, join(folder, 'files'))
mkdirSync(join(folder, 'files'))
const found = 'refused' in built ? built : await prove(built)
if (values.json) console.log(JSON.stringify(found))
if ('refused' in found) say(`not done: ${found.refused}`)
else if (found.rows.some(isBad)) process.exitCode = 1

async function prove(shim) {
  const rows = []
  const note = (row) => {
    rows.push(row)
    say(JSON.stringify(row))
  }
  for (const error of ERRORS) note(await withErrors(shim, error))
  note(await withErrorsAtStart(shim))
  note(await withKills(shim))
  return { rows }
}

/** One error after the other under one running server, killed and restarted every so often. */
async function withErrors(shim, { name, counts, upTo, sparesLog, arm }) {
  const file = join(folder, 'files', `${name.replaceAll(' ', '-')}.db`)
  const environment = sparesLog ? shim.environmentExcept('-wal') : shim.environment
  const client = new FaultClient(SECRET)
  const points = pointsUpTo(Number(upTo))
  let server
  for (const [index, n] of points.entries()) {
    server ??= await ChildServer.start(optionsFor(file), environment)
    const before = shim[counts]
    arm(shim, n)
    // Until the nth call has come.
    for (let round = 0; shim[counts] < before + n; round += 1) {
      await client.sendMany(server.port, `n${n}_${round}${sparesLog ? LONG_NAME : ''}`)
    }
    shim.heal()
    await client.sendAfterwards(server.port, `n${n}_after`)
    if (index % ERRORS_PER_RESTART < ERRORS_PER_RESTART - 1) continue
    await server.kill()
    server = undefined
  }
  await server?.kill()
  return { name, points: points.length, ...client.counts(), ...(await compareWhenDone(file, client)) }
}

/** An error while the file is being opened, for the first time and again: no start or a sound one, and the next is sound. */
async function withErrorsAtStart(shim) {
  const client = new FaultClient(SECRET)
  const points = pointsUpTo(Number(values.starts))
  const file = join(folder, 'files', 'start.db')
  let refusedStarts = 0
  for (const n of points) {
    for (const each of [join(folder, 'files', `start-${n}.db`), file]) {
      shim.failWrite(n)
      shim.failSync(Math.ceil(n / 5))
      const server = await startOrRefuse(each, shim)
      if (server === undefined) refusedStarts += 1
      else await client.sendMany(server.port, `s${n}_${each === file ? 'again' : 'first'}`, each)
      shim.heal()
      await server?.kill()
      const healthy = await ChildServer.start(optionsFor(each), shim.environment)
      await client.sendAfterwards(healthy.port, `s${n}_after`, each)
      await healthy.kill()
    }
  }
  const files = [file, ...points.map((n) => join(folder, 'files', `start-${n}.db`))]
  const compared = []
  for (const each of files) compared.push(await compareWhenDone(each, client.of(each)))
  return { name: 'at start', points: points.length, refusedStarts, ...client.counts(), ...sumOf(compared) }
}

async function startOrRefuse(file, shim) {
  try {
    return await ChildServer.start(optionsFor(file), shim.environment)
  } catch {
    return undefined
  }
}

/** A kill in the middle of each call: an event's success and its effect are both there, or neither is. */
async function withKills(shim) {
  const file = join(folder, 'files', 'kill.db')
  const client = new FaultClient(SECRET)
  const points = pointsUpTo(Number(values.kills))
  let halves = 0
  let unfinished = 0
  for (const n of points) {
    const server = await ChildServer.start(optionsFor(file), shim.environment)
    shim.killAtCall(n)
    for (let round = 0; await client.sendMany(server.port, `k${n}_${round}`); round += 1);
    await server.ended
    shim.heal()
    const { ids, succeeded, effects } = await readStored(file)
    const done = new Set(succeeded)
    halves += ids.filter((id) => done.has(id) !== effects.has(id)).length
    unfinished += ids.length - done.size
  }
  return {
    name: 'kill',
    points: points.length,
    halves,
    unfinished,
    ...client.counts(),
    ...(await compareWhenDone(file, client)),
  }
}

/** Has a sound server handle the rest, and compares. */
async function compareWhenDone(file, client) {
  const server = await ChildServer.start(optionsFor(file))
  await server.finish()
  const { ids, altered, effects, integrity } = await readStored(file)
  const stored = new Set(ids)
  return {
    missing: client.acknowledged.filter((id) => !stored.has(id)).length,
    doubled: ids.length - stored.size,
    altered: altered.length,
    withoutEffect: ids.filter((id) => !effects.has(id)).length,
    withMoreEffects: [...effects.values()].filter((count) => count > 1).length,
    damaged: integrity === 'ok' ? 0 : 1,
  }
}

function isBad(row) {
  const faults = [
    'missing',
    'doubled',
    'altered',
    'withoutEffect',
    'withMoreEffects',
    'damaged',
    'halves',
    'otherAnswers',
  ]
  return faults.some((name) => row[name] > 0) || row.notRecovered > 0 || row.slowestMs >= ANSWER_WITHIN_MS
}

/** With more attempts than there are kills: a delivery that each of them meets would be a dead letter, as it should. */
function optionsFor(file) {
  return { place: file, secret: SECRET, retry: { attempts: 1000 } }
}

function pointsUpTo(upTo) {
  const step = Number(values.step)
  return Array.from({ length: Math.ceil(upTo / step) }, (_, index) => 1 + index * step)
}

function sumOf(rows) {
  const sum = {}
  for (const row of rows)
    for (const [name, count] of Object.entries(row)) sum[name] = (sum[name] ?? 0) + count
  return sum
}
