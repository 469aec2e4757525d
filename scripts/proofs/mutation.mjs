// `npm run proof:mutation`: mutation testing of `packages/postern/src/core/` by its own tests (Stryker). Not part of
// `npm test`. Fails below 95 %, and where a mutant survives without a reason in `mutation/survivors/<file>.json`: the code in whose place
// it stands (`from`), what stands there (`to`; without it, whatever does) and the `reason`.
//
//   npm run proof:mutation -- [--mutate 'packages/postern/src/core/timestamp.ts,…'] [--concurrency 2] [--report FILE]
//
// What was tried before and has not changed since is not tried again: `.stryker-tmp/incremental.json`; delete it to start
// anew. `--report` prints what is in a report, and tries nothing. The result is recorded in `docs/proofs/mutation.md`.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'

const LEAST_SCORE = 95
const REPORT = '.stryker-tmp/report.json'
const { values } = parseArgs({
  options: {
    mutate: { type: 'string' },
    concurrency: { type: 'string', default: '2' },
    report: { type: 'string' },
  },
})

if (values.report === undefined) runStryker()
const { files } = JSON.parse(readFileSync(values.report ?? REPORT, 'utf8'))
const reasons = readReasons(new URL('mutation/survivors/', import.meta.url))
const mutants = Object.entries(files).flatMap(([path, file]) =>
  file.mutants.map((mutant) => describe(basename(path), file.source, mutant)),
)
const survivors = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
const unexplained = survivors.filter((survivor) => reasonFor(survivor) === undefined)

console.log(table())
for (const survivor of survivors)
  console.log(`${oneLine(survivor)}\n    ${reasonFor(survivor) ?? 'NO REASON'}`)
const score = scoreOf(mutants)
console.log(
  `\n${score.toFixed(2)} %, ${survivors.length} survivors, ${unexplained.length} of them without a reason`,
)
if (score < LEAST_SCORE || unexplained.length > 0) process.exitCode = 1

function runStryker() {
  const args = ['run', 'scripts/proofs/mutation/stryker.config.json', '--concurrency', values.concurrency]
  if (values.mutate !== undefined) args.push('--mutate', values.mutate)
  const { status } = spawnSync('node_modules/.bin/stryker', args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** Of each file of core its list, by the file's name. */
function readReasons(folder) {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [
      name.replace('.json', '.ts'),
      JSON.parse(readFileSync(new URL(name, folder), 'utf8')),
    ]),
  )
}

/** A mutant with the code in whose place it stands. */
function describe(file, source, { mutatorName, replacement, status, location }) {
  const lines = source.split('\n')
  const at = ({ line, column }) =>
    lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column - 1
  const original = source.slice(at(location.start), at(location.end))
  return { file, mutatorName, status, original, replacement, line: lines[location.start.line - 1].trim() }
}

function reasonFor({ file, original, replacement }) {
  return (reasons[file] ?? []).find(
    ({ from, to }) => from === original && (to === undefined || to === replacement),
  )?.reason
}

function oneLine({ file, original, replacement, line }) {
  const short = (text) => text.replaceAll(/\s+/g, ' ')
  return `${file}: ${short(original)} → ${short(replacement)}    in: ${line}`
}

function table() {
  const names = [...new Set(mutants.map(({ file }) => file))]
  const rows = [...names.map((name) => [name, mutants.filter(({ file }) => file === name)]), ['all', mutants]]
  const count = (list, ...statuses) => list.filter(({ status }) => statuses.includes(status)).length
  const lines = rows.map(([name, list]) => {
    const [killed, timedOut] = [count(list, 'Killed'), count(list, 'Timeout')]
    return `| ${name} | ${killed} | ${timedOut} | ${count(list, 'Survived')} | ${count(list, 'NoCoverage')} | ${scoreOf(list).toFixed(1)} |`
  })
  return [
    '| file | killed | timed out | survived | not run | % |',
    '| - | - | - | - | - | - |',
    ...lines,
  ].join('\n')
}

function scoreOf(list) {
  const counted = list.filter(({ status }) =>
    ['Killed', 'Timeout', 'Survived', 'NoCoverage'].includes(status),
  )
  const detected = counted.filter(({ status }) => status === 'Killed' || status === 'Timeout')
  return counted.length === 0 ? 100 : (100 * detected.length) / counted.length
}
