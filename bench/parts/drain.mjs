// Claim and drain against BullMQ, behind the same kind of handler and with the same durability: both have every write on
// the disk before they answer.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startRedis } from '../../test/support/servers/for-scripts.mjs'
import { measureDrain } from '../measure-drain.mjs'
import { median } from '../median.mjs'

export const name = 'drain'

const EVENTS = 20_000

export async function measure({ values, folder, say }) {
  const rounds = []
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const results = { postern: await drain('postern', folder), bullmq: await drain('bullmq', folder) }
    for (const [each, { recorded, drained }] of Object.entries(results)) {
      say(`round ${round}  ${each.padEnd(8)} ${recorded}/s recorded, ${drained}/s drained`)
    }
    rounds.push(results)
  }
  return {
    recordedOfBullmq: median(rounds.map(({ postern, bullmq }) => postern.recorded / bullmq.recorded)),
    drainedOfBullmq: median(rounds.map(({ postern, bullmq }) => postern.drained / bullmq.drained)),
    rounds,
  }
}

async function drain(engine, folder) {
  if (engine === 'bullmq') {
    const redis = await startRedis()
    const result = measureDrain(engine, redis.url, EVENTS)
    await redis.stop()
    return result
  }
  const data = mkdtempSync(join(folder, 'drain-'))
  const result = measureDrain(engine, data, EVENTS)
  rmSync(data, { recursive: true, force: true })
  return result
}

export function describe({ recordedOfBullmq, drainedOfBullmq, rounds }) {
  return `record  ${recordedOfBullmq} × BullMQ, 500 at a time
drain   ${drainedOfBullmq} × BullMQ, 64 handlers at once that do nothing
${EVENTS} events each; Redis with appendfsync always. Medians of ${rounds.length} rounds; each ratio within its own round.`
}
