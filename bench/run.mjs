// Accept and drain against a bare server and against the seeds' own design, in one run and in turn, so that the ratios
// hold on a machine whose speed drifts. Nothing here asserts a time: goals are printed beside what was measured.
//
//   npm run bench -- [--rounds 3] [--seconds 6] [--json]
import { execFileSync, fork } from 'node:child_process'
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startRedis } from './redis.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '6' },
    connections: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
  },
})
const SECRET = 'bench_secret_0123456789abcdef'
const here = new URL('.', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'))
const redis = await startRedis(folder)
const say = values.json ? () => {} : console.log

const contenders = [
  { name: 'bare node:http', script: 'bare.mjs', args: [] },
  { name: 'postern, worker stopped', script: 'postern.mjs', args: ['stopped'] },
  { name: "the seeds' design", script: 'seeds.mjs', args: ['', String(redis.port)] },
  { name: 'postern, drained', script: 'postern.mjs', args: ['drained'] },
]
const rounds = []
try {
  say(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, fsync p50 ${fsyncMs()} ms`)
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const results = {}
    for (const contender of contenders) {
      results[contender.name] = await runOne(contender, `${round}-${contenders.indexOf(contender)}`)
      say(`round ${round}  ${contender.name.padEnd(24)} ${describe(results[contender.name])}`)
    }
    rounds.push(results)
  }
} finally {
  redis.stop()
  rmSync(folder, { recursive: true, force: true })
}
print(summary())

async function runOne({ script, args }, tag) {
  const data = mkdtempSync(join(folder, `${tag}-`))
  const server = fork(join(here, 'servers', script), [data, SECRET, ...args], { stdio: 'inherit' })
  const [{ port }] = await once(server, 'message')
  load(port, 1)
  const before = await usage(server)
  const result = load(port, values.seconds)
  const after = await usage(server)
  server.send('stop')
  await once(server, 'exit')
  rmSync(data, { recursive: true, force: true })
  const handledPerSecond = Math.round((after.handled - before.handled) / result.seconds)
  return {
    ...result,
    cpuMicrosPerEvent: Math.round(((after.cpuMs - before.cpuMs) * 1000) / result.answered),
    rssMb: after.rssMb,
    backlog: after.backlog,
    backlogBefore: before.backlog,
    handledPerSecond,
  }
}

function load(port, seconds) {
  const args = [join(here, 'load.mjs'), port, '/webhooks/vastai', SECRET, values.connections, seconds].map(
    String,
  )
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

async function usage(server) {
  server.send('usage')
  return (await once(server, 'message'))[0]
}

function summary() {
  const ratio = (above, below, figure = 'perSecond') =>
    median(rounds.map((round) => round[above][figure] / round[below].perSecond))
  return {
    fsyncMs: fsyncMs(),
    acceptOfBare: ratio('postern, worker stopped', 'bare node:http'),
    acceptOfSeeds: ratio('postern, worker stopped', "the seeds' design"),
    sustainedOfBare: ratio('postern, drained', 'bare node:http', 'handledPerSecond'),
    sustainedOfSeeds: ratio('postern, drained', "the seeds' design", 'handledPerSecond'),
    peakRssMb: Math.max(
      ...rounds.flatMap((round) =>
        contenders.filter(({ script }) => script === 'postern.mjs').map(({ name }) => round[name].rssMb),
      ),
    ),
    rounds,
  }
}

function print(result) {
  if (values.json) return console.log(JSON.stringify(result, undefined, 2))
  console.log(`
accept     ${result.acceptOfBare} of bare (goal 0.4)      ${result.acceptOfSeeds} × the seeds' design (goal 3)
sustained  ${result.sustainedOfBare} of bare (goal 0.25)     ${result.sustainedOfSeeds} × the seeds' design (goal 2)
memory     ${result.peakRssMb} MB at most (goal below 200)
Medians of ${rounds.length} rounds; each ratio within its own round.`)
}

function describe(result) {
  const {
    perSecond,
    handledPerSecond,
    p50Ms,
    p99Ms,
    cpuMicrosPerEvent,
    rssMb,
    backlogBefore,
    backlog,
    statuses,
  } = result
  return `${perSecond}/s accepted, ${handledPerSecond}/s handled, p50 ${p50Ms} p99 ${p99Ms} ms, ${cpuMicrosPerEvent} µs CPU/event, ${rssMb} MB, backlog ${backlogBefore}→${backlog} ${JSON.stringify(statuses)}`
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return Number((sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(2))
}

/** The disk this ran on: without it the figures say little. */
function fsyncMs() {
  const file = openSync(join(tmpdir(), `postern-fsync-${process.pid}`), 'w')
  const times = Array.from({ length: 100 }, () => {
    writeSync(file, Buffer.alloc(4096))
    const startedMs = performance.now()
    fsyncSync(file)
    return performance.now() - startedMs
  })
  closeSync(file)
  rmSync(join(tmpdir(), `postern-fsync-${process.pid}`))
  return median(times)
}
