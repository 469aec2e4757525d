// Measures, and prints ratios: contenders take turns in one run, so that they hold on a machine whose speed drifts.
// Nothing here asserts a time: goals are printed beside what was measured.
//
//   npm run bench -- [part …] [--rounds 3] [--seconds 6] [--old-events 1000000] [--json]
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { median } from './median.mjs'
import * as acceptAndDrain from './parts/accept-and-drain.mjs'
import * as drain from './parts/drain.mjs'
import * as fairness from './parts/fairness.mjs'
import * as forward from './parts/forward.mjs'
import * as oldEvents from './parts/old-events.mjs'
import * as postgres from './parts/postgres.mjs'
import * as redis from './parts/redis.mjs'
import * as variants from './parts/variants.mjs'
import * as verification from './parts/verification.mjs'

/** Each with its name, what it measures, and how to say that in a few lines. */
const PARTS = [verification, acceptAndDrain, drain, postgres, redis, variants, fairness, forward, oldEvents]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '6' },
    connections: { type: 'string', default: '64' },
    'old-events': { type: 'string', default: '1000000' },
    // Of so many events, made before by `node bench/fill.mjs <path> <events>`: ten million take about ten minutes.
    'old-file': { type: 'string' },
    commits: { type: 'string', default: '1500' },
    json: { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((each) => PARTS.every(({ name }) => name !== each))
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}; there are ${PARTS.map(({ name }) => name).join(', ')}`)
  process.exit(1)
}
const parts = PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const say = values.json ? () => {} : console.log
const results = {}

const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'))
try {
  const disk = fsyncMs()
  say(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, fsync p50 ${disk} ms`)
  for (const { name, measure, describe } of parts) {
    say(`\n${name}`)
    const result = await measure({ values, folder, say })
    results[name] = { fsyncMs: disk, ...result }
    say(`\n${describe(result)}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (values.json) console.log(JSON.stringify(results, undefined, 2))

/** The disk this ran on: without it the figures say little. */
function fsyncMs() {
  const path = join(folder, 'fsync')
  const file = openSync(path, 'w')
  const times = Array.from({ length: 100 }, () => {
    writeSync(file, Buffer.alloc(4096))
    const startedMs = performance.now()
    fsyncSync(file)
    return performance.now() - startedMs
  })
  closeSync(file)
  rmSync(path)
  return median(times)
}
