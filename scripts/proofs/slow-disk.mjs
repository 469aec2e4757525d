// 500 events a second while every sync of the disk takes 200 ms more: how late the answers are, and how late the server's
// event loop is.
//
//   npm run proof:slow-disk -- [--delay 200] [--rate 500] [--seconds 30] [--json]
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { ChildServer } from '../../test/support/child-server.mjs'
import { makeFaultShim } from '../../test/support/fault-shim.mjs'
import { readStored } from '../../test/support/stored.mjs'
import { fsyncP50Ms } from './fsync.mjs'
import { temporaryFolder } from './temporary-folder.mjs'

const { values } = parseArgs({
  options: {
    delay: { type: 'string', default: '200' },
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
  },
})
const CLIENT = fileURLToPath(new URL('../../test/support/paced-client.mjs', import.meta.url))
const SECRET = randomBytes(32).toString('hex')
/** So that code is compiled and connections' buffers are there before anything is counted. */
const WARM_UP_SECONDS = 1

const folder = temporaryFolder('postern-slow-disk-')
const file = join(folder, 'inbox.db')
const built = makeFaultShim(folder, file)
const found = 'refused' in built ? built : await measure(built)
if (values.json) console.log(JSON.stringify(found))
else if ('refused' in found) console.log(`not done: ${found.refused}`)
else console.log(found)

async function measure(shim) {
  const server = await ChildServer.start({ place: file, secret: SECRET, leaseMs: 30_000 }, shim.environment)
  await load(server.port, 'warm', WARM_UP_SECONDS)
  shim.slowDown(Number(values.delay))
  await server.forget()
  const syncsBefore = shim.syncCalls
  // This process only waits: how late its event loop is, the machine is.
  const bystander = monitorEventLoopDelay({ resolution: 10 })
  bystander.enable()
  const answers = await load(server.port, 'evt', Number(values.seconds))
  bystander.disable()
  const usage = await server.usage()
  const syncs = shim.syncCalls - syncsBefore
  shim.heal()
  await server.finish()
  const { ids, effects } = await readStored(file)
  return {
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`,
    fsyncP50Ms: fsyncP50Ms(folder),
    addedMs: Number(values.delay),
    perSecond: Number(values.rate),
    seconds: Number(values.seconds),
    ...answers,
    syncs,
    ...usage,
    bystanderP99Ms: bystander.percentile(99) / 1e6,
    bystanderMaxMs: bystander.max / 1e6,
    loadAverage: loadavg()[0],
    stored: ids.filter((id) => id.startsWith('evt_')).length,
    withOneEffect: ids.filter((id) => id.startsWith('evt_') && effects.get(id) === 1).length,
  }
}

async function load(port, prefix, seconds) {
  const options = { port, secret: SECRET, prefix, perSecond: Number(values.rate), seconds }
  const { stdout } = await promisify(execFile)(process.execPath, [CLIENT, JSON.stringify(options)])
  return JSON.parse(stdout)
}
