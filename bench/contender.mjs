import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Signs what is sent; the same for every server. */
export const SECRET = 'bench_secret_0123456789abcdef'
const here = import.meta.dirname

/**
 * Starts a server of `servers/` over a folder of its own, warms it up for a second, loads it, and answers what it did
 * and what that cost. The folder stays.
 */
export async function runContender({ script, args = [] }, { data, seconds, connections }) {
  const startedMs = performance.now()
  const server = fork(join(here, 'servers', script), [data, SECRET, ...args], { stdio: 'inherit' })
  const [{ port }] = await Promise.race([once(server, 'message'), failed(server, script)])
  const startMs = Math.round(performance.now() - startedMs)
  load({ port, connections, seconds: 1 })
  const before = await usage(server)
  const result = load({ port, connections, seconds })
  const after = await usage(server)
  server.send('stop')
  await once(server, 'exit')
  return {
    ...result,
    startMs,
    cpuMicrosPerEvent: Math.round(((after.cpuMs - before.cpuMs) * 1000) / result.answered),
    rssMb: after.rssMb,
    backlog: after.backlog,
    backlogBefore: before.backlog,
    handledPerSecond: Math.round((after.handled - before.handled) / result.seconds),
  }
}

async function failed(server, script) {
  const [code] = await once(server, 'exit')
  throw new Error(`${script} ended with ${code} before it listened`)
}

export function describeContender(result) {
  const { perSecond, handledPerSecond, p50Ms, p99Ms, maxMs, cpuMicrosPerEvent, rssMb } = result
  const { backlogBefore, backlog, statuses } = result
  return `${perSecond}/s accepted, ${handledPerSecond}/s handled, p50 ${p50Ms} p99 ${p99Ms} longest ${maxMs} ms, ${cpuMicrosPerEvent} µs CPU/event, ${rssMb} MB, backlog ${backlogBefore}→${backlog} ${JSON.stringify(statuses)}`
}

function load({ port, connections, seconds }) {
  const args = [join(here, 'load.mjs'), port, '/webhooks/vastai', SECRET, connections, seconds].map(String)
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

async function usage(server) {
  server.send('usage')
  return (await once(server, 'message'))[0]
}
