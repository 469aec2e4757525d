// `npm run proof:fuzz`: hostile text for every parser that a request meets before it is authentic, more of it than a test
// suite may draw. Not part of `npm test`. First the planted bugs, each of which must be found.
//
//   npm run proof:fuzz -- [--inputs 10000000] [--seed N] [--target timestamps]
//
// A failure prints its seed and the smallest input that fails; `--target … --seed …` with as many inputs as a chunk has
// repeats it.
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const CHUNK = 50_000
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '10000000' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    target: { type: 'string' },
  },
})
const outfile = `node_modules/.fuzz-${process.pid}.tmp.mjs`
await build({
  entryPoints: ['test/fuzz/proof.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
})
const { firstFailure, PLANTED_BUGS, targets, targetsWith } = await import(`../../${outfile}`)
rmSync(outfile)

const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target)
console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, seed ${values.seed}`)
if (values.target === undefined) await findPlanted()
const each = Math.ceil(Number(values.inputs) / chosen.length)
let total = 0
for (const target of chosen) run(target)
console.log(`${total} inputs: nothing thrown, nothing wrong`)

async function findPlanted() {
  for (const bug of PLANTED_BUGS) {
    const planted = await targetsWith(bug)
    const target = planted.targets.find(({ name }) => name === bug.target)
    const inputs = inputsUntilFound(planted, target)
    console.log(
      `planted: one that ${bug.name}: ${inputs === undefined ? 'NOT FOUND' : `found within ${inputs}`}`,
    )
    if (inputs === undefined) process.exitCode = 1
  }
}

function inputsUntilFound({ firstFailure: failureOf }, target) {
  return [100, 1000, 10_000, 100_000].find(
    (inputs) => failureOf(target, inputs, Number(values.seed)) !== undefined,
  )
}

function run(target) {
  const startedMs = performance.now()
  let done = 0
  for (let chunk = 0; done < each; chunk += 1) {
    const inputs = Math.min(CHUNK, each - done)
    const seed = Number(values.seed) + chunk
    const failure = firstFailure(target, inputs, seed)
    if (failure !== undefined) {
      console.error(`${target.name}, seed ${seed}, ${inputs} inputs: ${failure}`)
      process.exit(1)
    }
    done += inputs
  }
  total += done
  const seconds = (performance.now() - startedMs) / 1000
  console.log(`${target.name}: ${done} inputs in ${seconds.toFixed(0)} s, nothing wrong`)
}
