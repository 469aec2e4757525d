// What a history costs: the same accepts over an empty file and over one with many old events, in turn.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describeContender, runContender } from '../contender.mjs'
import { median } from '../median.mjs'

export const name = 'old-events'

const SERVER = { script: 'postern.mjs', args: ['stopped'] }
const bench = join(import.meta.dirname, '..')

export async function measure({ values, folder, say }) {
  const oldEvents = Number(values['old-events'])
  const old = join(folder, 'old')
  mkdirSync(old)
  const file = values['old-file']
  say(file === undefined ? `filling a file with ${oldEvents} old events` : `copying ${file}`)
  if (file === undefined) run('fill.mjs', join(old, 'postern.db'), oldEvents)
  else copyFileSync(file, join(old, 'postern.db'))
  say(`${Math.round(statSync(join(old, 'postern.db')).size / 1e6)} MB`)
  const rounds = []
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const empty = mkdtempSync(join(folder, 'empty-'))
    const results = { empty: await both(empty, values), old: await both(old, values) }
    rmSync(empty, { recursive: true, force: true })
    for (const [each, { accept, commits }] of Object.entries(results)) {
      say(`round ${round}  ${each.padEnd(6)} ${describeContender(accept)}, up after ${accept.startMs} ms`)
      say(`round ${round}  ${each.padEnd(6)} ${describeCommits(commits)}`)
    }
    rounds.push(results)
  }
  rmSync(old, { recursive: true, force: true })
  return summaryOf(oldEvents, rounds)
}

/** Over HTTP, which says what a sender sees, and commit by commit, which says what the store does. */
async function both(data, values) {
  const accept = await runContender(SERVER, { ...values, data })
  const commits = JSON.parse(run('commits.mjs', join(data, 'postern.db'), values.commits))
  return { accept, commits }
}

function run(script, ...args) {
  return execFileSync(process.execPath, [join(bench, script), ...args.map(String)], { encoding: 'utf8' })
}

function summaryOf(oldEvents, rounds) {
  return {
    oldEvents,
    acceptOfEmpty: median(rounds.map(({ old, empty }) => old.accept.perSecond / empty.accept.perSecond)),
    commitsOfEmpty: median(rounds.map(({ old, empty }) => old.commits.perSecond / empty.commits.perSecond)),
    longestCommitMs: Math.max(...rounds.map(({ old }) => old.commits.longestMs)),
    longestCommitOfEmptyMs: Math.max(...rounds.map(({ empty }) => empty.commits.longestMs)),
    startMs: median(rounds.map(({ old }) => old.commits.startMs)),
    peakRssMb: Math.max(...rounds.map(({ old }) => old.accept.rssMb)),
    rounds,
  }
}

function describeCommits({ perSecond, p50Ms, p99Ms, longestMs, startMs, rssMb }) {
  return `commits of 64: ${perSecond}/s, p50 ${p50Ms} p99 ${p99Ms} longest ${longestMs} ms, first after ${startMs} ms, ${rssMb} MB`
}

export function describe(result) {
  return `with ${result.oldEvents} old events, of an empty file
accept     ${result.acceptOfEmpty} (goal 0.9)      commits of 64 one after another ${result.commitsOfEmpty}
commit     ${result.longestCommitMs} ms at the longest (goal 50); over an empty file ${result.longestCommitOfEmptyMs} ms
memory     ${result.peakRssMb} MB at most (goal below 200)      first commit ${result.startMs} ms after the start
Medians of ${result.rounds.length} rounds; each ratio within its own round.`
}
