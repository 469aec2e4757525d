// PostgreSQL: accept over HTTP against what the usual job queues take from callers without HTTP, drain against their
// fastest mode, and both beside a history. `synchronous_commit = on`, the server's default.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { startPostgres } from '../../test/support/servers/for-scripts.mjs'
import { describeContender, runContender } from '../contender.mjs'
import { describeDrain, measureDrain } from '../measure-drain.mjs'
import { median } from '../median.mjs'

export const name = 'postgres'

const EVENTS = 20_000
const bench = join(import.meta.dirname, '..')

export async function measure({ values, say }) {
  const postgres = await startPostgres()
  try {
    const oldEvents = Number(values['old-events'])
    const { url: old } = await postgres.database()
    if (oldEvents > 0) say(`filling a database with ${oldEvents} old events`)
    if (oldEvents > 0) run('fill-store.mjs', old, oldEvents)
    const rounds = []
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      const results = await oneRound({ postgres, old, values, say: (line) => say(`round ${round}  ${line}`) })
      rounds.push(results)
    }
    return summaryOf(oldEvents, rounds)
  } finally {
    await postgres.stop()
  }
}

async function oneRound({ postgres, old, values, say }) {
  const results = {}
  const note = (each, result, text) => {
    results[each] = result
    say(`${each.padEnd(28)} ${text}`)
  }
  const http = async (each, script, place) => {
    const result = await runContender({ script, args: ['stopped'] }, { ...values, data: place })
    note(each, result, describeContender(result))
  }
  const fresh = async (use) => {
    const { url, drop } = await postgres.database()
    try {
      return await use(url)
    } finally {
      await drop()
    }
  }
  const calls = (engine) =>
    fresh((url) => {
      const result = JSON.parse(run('queue-calls.mjs', engine, url, values.connections, values.seconds))
      note(`${engine} calls`, result, `${result.perSecond}/s`)
    })
  const drain = (each, engine, url) => {
    const result = measureDrain(engine, url, EVENTS)
    note(each, result, describeDrain(result))
  }
  await http('bare node:http', 'bare.mjs', '')
  await fresh((url) => http('postern, accept', 'postern.mjs', url))
  await calls('pgboss')
  await calls('graphile')
  await fresh((url) => drain('postern, drain', 'postern', url))
  await fresh((url) => drain('postern, drain, 500 at once', 'postern-500', url))
  await fresh((url) => drain('graphile, drain', 'graphile', url))
  await fresh((url) => drain('pgboss, drain', 'pgboss', url))
  if (Number(values['old-events']) > 0) {
    await http('postern, accept, old', 'postern.mjs', old)
    // What the accepts have left is drained too: the count is theirs and its own.
    run('drain-rest.mjs', old)
    drain('postern, drain, old', 'postern', old)
  }
  return results
}

function run(script, ...args) {
  return execFileSync(process.execPath, [join(bench, script), ...args.map(String)], { encoding: 'utf8' })
}

function summaryOf(oldEvents, rounds) {
  const ratio = (above, below, figure) =>
    median(rounds.map((round) => round[above][figure] / round[below][figure]))
  return {
    acceptOfBare: ratio('postern, accept', 'bare node:http', 'perSecond'),
    acceptOfPgBoss: ratio('postern, accept', 'pgboss calls', 'perSecond'),
    acceptOfGraphile: ratio('postern, accept', 'graphile calls', 'perSecond'),
    drainOfGraphile: ratio('postern, drain', 'graphile, drain', 'drained'),
    drain500OfGraphile: ratio('postern, drain, 500 at once', 'graphile, drain', 'drained'),
    drainOfPgBoss: ratio('postern, drain', 'pgboss, drain', 'drained'),
    oldEvents,
    ...(oldEvents > 0 && {
      acceptOldOfEmpty: ratio('postern, accept, old', 'postern, accept', 'perSecond'),
      drainOldOfEmpty: ratio('postern, drain, old', 'postern, drain', 'drained'),
    }),
    rounds,
  }
}

export function describe(result) {
  const old = `with ${result.oldEvents} old events, of an empty database: accept ${result.acceptOldOfEmpty}, drain ${result.drainOldOfEmpty} (goal 0.9)\n`
  return `accept  ${result.acceptOfPgBoss} × pg-boss send (goal 5)      ${result.acceptOfGraphile} × graphile addJob (goal 5)      ${result.acceptOfBare} of bare
drain   ${result.drainOfGraphile} × graphile-worker with a local queue of 500 and batches (goal 1); ${result.drain500OfGraphile} with 500 handlers at once      ${result.drainOfPgBoss} × pg-boss
${result.oldEvents > 0 ? old : ''}Medians of ${result.rounds.length} rounds; each ratio within its own round.`
}
