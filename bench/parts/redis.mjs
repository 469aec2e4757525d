// Redis: ours and BullMQ behind the same HTTP server, and drained without it, on a Redis that syncs each write; and ours
// beside a history.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { startRedis } from '../../test/support/servers/for-scripts.mjs'
import { describeContender, runContender } from '../contender.mjs'
import { describeDrain, measureDrain } from '../measure-drain.mjs'
import { median } from '../median.mjs'

export const name = 'redis'

const EVENTS = 20_000
const bench = join(import.meta.dirname, '..')

export async function measure({ values, say }) {
  const oldEvents = Number(values['old-events'])
  const old = oldEvents > 0 ? await startRedis() : undefined
  try {
    if (old) say(`filling a server with ${oldEvents} old events`)
    if (old) run('fill-store.mjs', old.url, oldEvents)
    const rounds = []
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      rounds.push(await oneRound({ old, values, say: (line) => say(`round ${round}  ${line}`) }))
    }
    return summaryOf(oldEvents, rounds)
  } finally {
    await old?.stop()
  }
}

async function oneRound({ old, values, say }) {
  const results = {}
  const note = (each, result, text) => {
    results[each] = result
    say(`${each.padEnd(20)} ${text}`)
  }
  const http = async (each, script, place, worker) => {
    const result = await runContender({ script, args: [worker] }, { ...values, data: place })
    note(each, result, describeContender(result))
  }
  const drain = (each, engine, url) => {
    const result = measureDrain(engine, url, EVENTS)
    note(each, result, describeDrain(result))
  }
  for (const engine of ['postern', 'bullmq']) {
    for (const worker of ['stopped', 'drained'])
      await withRedis(({ url }) => http(`${engine}, ${worker}`, `${engine}.mjs`, url, worker))
    await withRedis(({ url }) => drain(`${engine}, drain`, engine, url))
  }
  if (old) {
    await http('postern, old', 'postern.mjs', old.url, 'stopped')
    run('drain-rest.mjs', old.url)
    drain('postern, drain, old', 'postern', old.url)
  }
  return results
}

async function withRedis(use) {
  const redis = await startRedis()
  try {
    return await use(redis)
  } finally {
    await redis.stop()
  }
}

function run(script, ...args) {
  return execFileSync(process.execPath, [join(bench, script), ...args.map(String)], { encoding: 'utf8' })
}

function summaryOf(oldEvents, rounds) {
  const ratio = (above, below, figure) =>
    median(rounds.map((round) => round[above][figure] / round[below][figure]))
  return {
    acceptOfBullmq: ratio('postern, stopped', 'bullmq, stopped', 'perSecond'),
    sustainedOfBullmq: ratio('postern, drained', 'bullmq, drained', 'handledPerSecond'),
    drainOfBullmq: ratio('postern, drain', 'bullmq, drain', 'drained'),
    oldEvents,
    ...(oldEvents > 0 && {
      acceptOldOfEmpty: ratio('postern, old', 'postern, stopped', 'perSecond'),
      drainOldOfEmpty: ratio('postern, drain, old', 'postern, drain', 'drained'),
    }),
    rounds,
  }
}

export function describe(result) {
  const old = `with ${result.oldEvents} old events, of an empty server: accept ${result.acceptOldOfEmpty}, drain ${result.drainOldOfEmpty} (goal 0.9)\n`
  return `accept     ${result.acceptOfBullmq} × BullMQ behind the same HTTP server (goal 1)
sustained  ${result.sustainedOfBullmq} × BullMQ, everything handled (goal 1)
drain      ${result.drainOfBullmq} × BullMQ, 64 handlers at once that do nothing (goal 1)
${result.oldEvents > 0 ? old : ''}Redis with appendfsync always. Medians of ${result.rounds.length} rounds; each ratio within its own round.`
}
