// Sends every event ten times over two servers on one store, kills one or the other again and again, and counts: one event
// and one effect for each id.
//
//   npm run proof:duplicates -- [--store sqlite | postgres | redis] [--ids 100000] [--sends 1000000] [--kills 40] [--seed 1] [--json]
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ChildServer, endWithThisProcess } from '../../test/support/child-server.mjs'
import { readStored } from '../../test/support/stored.mjs'
import { fsyncP50Ms } from './fsync.mjs'
import { makeGround } from './ground.mjs'
import { temporaryFolder } from './temporary-folder.mjs'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    ids: { type: 'string', default: '100000' },
    sends: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const CLIENT = fileURLToPath(new URL('../../test/support/duplicate-client.mjs', import.meta.url))
const SECRET = randomBytes(32).toString('hex')
const CONNECTIONS = 64
const [ids, sends, kills] = [values.ids, values.sends, values.kills].map(Number)

const folder = temporaryFolder('postern-duplicates-')
const ground = await makeGround(values.store, { folder })
const place = await ground.place('inbox')
const found = await prove()
await ground.stop()
console.log(values.json ? JSON.stringify(found) : found)
if (found.events !== ids || found.idsWithOneEffect !== ids || found.effects !== ids) process.exitCode = 1

async function prove() {
  const startedMs = performance.now()
  const servers = [await startServer(), await startServer()]
  const client = startClient()
  const killed = killAlongTheWay(client, servers)
  const { kind: _, ...answers } = await messageOf(client, 'done')
  await killed()
  await servers[0].kill()
  await servers[1].finish()
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  return { ...machine(), ids, kills: kills + 1, seconds, ...answers, ...(await countEvents()) }
}

function startServer() {
  return ChildServer.start({ place, secret: SECRET })
}

function startClient() {
  const options = {
    secret: SECRET,
    prefix: 'evt',
    ids,
    sends,
    connections: CONNECTIONS,
    seed: Number(values.seed),
  }
  const client = fork(CLIENT, [JSON.stringify(options)], { execArgv: [] })
  endWithThisProcess(client)
  return client
}

/** Kills the servers in turn at even distances, and starts each again; answers how to wait for the last of them. */
function killAlongTheWay(client, servers) {
  const tellPorts = () => client.connected && client.send({ ports: servers.map(({ port }) => port) })
  let begun = 0
  let killing = Promise.resolve()
  const replace = async (index) => {
    await servers[index].kill()
    servers[index] = await startServer()
    tellPorts()
  }
  client.on('message', ({ kind, sent }) => {
    if (kind !== 'progress') return
    for (; begun < kills && sent >= ((begun + 1) * sends) / (kills + 1); begun += 1) {
      const index = begun % servers.length
      killing = killing.then(() => replace(index))
    }
  })
  tellPorts()
  return () => killing
}

function messageOf(client, wanted) {
  return new Promise((resolve, reject) => {
    client.on('message', (message) => message.kind === wanted && resolve(message))
    client.on('exit', (code) => reject(new Error(`the client ended with ${code}`)))
  })
}

async function countEvents() {
  const { ids: stored, altered, effects, integrity } = await readStored(place)
  const counts = [...effects.values()]
  return {
    events: stored.length,
    eventIds: new Set(stored).size,
    altered: altered.length,
    effects: counts.reduce((sum, count) => sum + count, 0),
    idsWithOneEffect: counts.filter((count) => count === 1).length,
    integrity,
  }
}

function machine() {
  return {
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`,
    fsyncP50Ms: fsyncP50Ms(folder),
  }
}
