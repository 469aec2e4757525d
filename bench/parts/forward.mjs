// The gateway as it is shipped, each event sent on to ten destinations: the highest rate of a few at which as much is delivered
// as is accepted, and how old an event is when it arrives at 200 a second.
import { execFile, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startPostgres } from '../../test/support/servers/for-scripts.mjs'
import { median } from '../median.mjs'

export const name = 'forward'

const DESTINATIONS = 10
const RATES = [200, 400, 600, 800, 1000, 1200, 1400, 1600, 2000, 2500, 3000, 3500, 4000]
const STORES = ['sqlite', 'postgres']
/** No gateway: what a server and the client that the gateway uses can send on, with nothing kept. */
const FLOOR = 'bare'
const SECRET = 'bench_secret_0123456789abcdef'
const SIGNING_KEY = `whsec_${Buffer.from('a signing key of the benchmark').toString('base64')}`
/** What may still be on its way when the load ends, of what a second brings. */
const SLACK_S = 0.1
const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

export async function measure({ values, folder, say }) {
  const postgres = await startPostgres()
  const rounds = []
  try {
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      const results = {}
      for (const store of [FLOOR, ...STORES]) {
        const place = store === 'postgres' ? await postgres.database() : undefined
        const note = (line) => say(`round ${round}  ${store.padEnd(8)} ${line}`)
        results[store] = await oneStore({ store, storeUrl: place?.url, values, folder, note })
        await place?.drop()
      }
      rounds.push(results)
    }
  } finally {
    await postgres.stop()
  }
  const figure = (store, read) => median(rounds.map((round) => read(round[store])))
  return {
    stores: Object.fromEntries(
      [FLOOR, ...STORES].map((store) => [
        store,
        {
          sustainedPerSecond: figure(store, ({ sustained }) => sustained),
          p99MsAt200: figure(store, ({ at200 }) => at200.p99Ms),
        },
      ]),
    ),
    rounds,
  }
}

export function describe({ stores, rounds }) {
  const lines = Object.entries(stores).map(
    ([store, { sustainedPerSecond, p99MsAt200 }]) =>
      `${store.padEnd(8)} ${sustainedPerSecond} events/s sustained${store === FLOOR ? ', nothing kept' : ' (goal 3000)'}, p99 ${p99MsAt200} ms at 200/s (goal below 50)`,
  )
  return `${lines.join('\n')}\n${DESTINATIONS} destinations an event, one process that answers all of them; load, gateway, store and target on the same cores.\nMedians of ${rounds.length} rounds.`
}

/** From the lowest rate on, until one is too much. */
async function oneStore({ store, storeUrl, values, folder, note }) {
  const data = mkdtempSync(join(folder, 'round-'))
  const target = fork(join(import.meta.dirname, '../servers/forward-target.mjs'), [], { stdio: 'inherit' })
  const [{ port: targetPort }] = await once(target, 'message')
  symlinkSync(join(root, 'node_modules'), join(data, 'node_modules'))
  writeFileSync(join(data, 'postern.config.mjs'), configOf(targetPort))
  const gateway =
    store === FLOOR
      ? await startFloor(targetPort)
      : await startGateway(data, storeUrl ?? `sqlite:${join(data, 'postern.db')}`)
  let sustained = 0
  let at200
  try {
    await oneRate({ target, url: gateway.url, perSecond: 200, seconds: 1 })
    for (const perSecond of RATES) {
      const result = await oneRate({ target, url: gateway.url, perSecond, seconds: values.seconds })
      note(
        `${perSecond}/s: ${result.accepted} accepted, ${result.delivered} delivered, ${result.left} on their way, age p50 ${result.p50Ms} p99 ${result.p99Ms} ms`,
      )
      at200 ??= result
      if (!result.isFlat) break
      sustained = perSecond
    }
  } finally {
    gateway.process.kill('SIGKILL')
    target.send('stop')
    await Promise.all([once(gateway.process, 'exit'), once(target, 'exit')])
    rmSync(data, { recursive: true, force: true })
  }
  return { sustained, at200 }
}

async function oneRate({ target, url, perSecond, seconds }) {
  await seen(target)
  const { received: before } = await seen(target)
  const script = join(import.meta.dirname, '../paced-load.mjs')
  const { stdout } = await run(process.execPath, [script, url, SECRET, perSecond, seconds].map(String))
  const { statuses, seconds: tookSeconds } = JSON.parse(stdout)
  const { received, agesMs } = await seen(target)
  const accepted = statuses['200'] ?? 0
  const delivered = received - before
  const left = accepted * DESTINATIONS - delivered
  // Waited for, so that the next rate begins with nothing on its way.
  for (
    let tries = 0;
    tries < 600 && (await seen(target)).received - before < accepted * DESTINATIONS;
    tries += 1
  )
    await pause(100)
  agesMs.sort((one, other) => one - other)
  const at = (share) => Number((agesMs[Math.floor(agesMs.length * share)] ?? 0).toFixed(1))
  return {
    accepted,
    delivered,
    left,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    isFlat:
      left <= perSecond * DESTINATIONS * SLACK_S &&
      tookSeconds < Number(seconds) + 0.5 &&
      accepted >= perSecond * Number(seconds) * 0.98,
  }
}

async function seen(target) {
  target.send('seen')
  return (await once(target, 'message'))[0]
}

function configOf(port) {
  const destinations = Array.from(
    { length: DESTINATIONS },
    (_, index) =>
      `    'to-${index}': { url: 'http://127.0.0.1:${port}/${index}', allowNetworks: ['127.0.0.0/8'], secret: '${SIGNING_KEY}', concurrency: 64 },`,
  )
  return `import { vastai } from 'postern/providers'
export default {
  sources: { vastai: vastai({ secret: '${SECRET}' }) },
  destinations: {
${destinations.join('\n')}
  },
}
`
}

async function startGateway(data, store) {
  const port = await freePort()
  const bin = join(root, 'packages/gateway/bin/postern.js')
  const gateway = spawn(process.execPath, [bin, 'serve', '--port', String(port), '--log-level', 'warn'], {
    cwd: data,
    env: { ...process.env, POSTERN_STORE: store, POSTERN_ADMIN: '' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  for (let tries = 0; tries < 600; tries += 1) {
    if (await isReady(port)) return { process: gateway, url: `http://127.0.0.1:${port}/webhooks/vastai` }
    await pause(50)
  }
  throw new Error('the gateway does not become ready')
}

async function startFloor(targetPort) {
  const script = join(import.meta.dirname, '../servers/bare-forward.mjs')
  const floor = fork(script, [targetPort, DESTINATIONS].map(String), { stdio: 'inherit' })
  const [{ port }] = await once(floor, 'message')
  return { process: floor, url: `http://127.0.0.1:${port}/webhooks/vastai` }
}

async function isReady(port) {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
  } catch {
    return false
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
