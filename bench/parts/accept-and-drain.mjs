// Accept and drain against a bare server and against the seeds' own design, in turn.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describeContender, runContender } from '../contender.mjs'
import { median } from '../median.mjs'
import { startRedis } from '../../test/support/servers/for-scripts.mjs'

/** As the seeds' readers would run it: nothing waits for the disk. */
const AS_INSTALLED = { appendonly: 'no', save: '3600 1 300 100 60 10000' }

export const name = 'accept-and-drain'

export async function measure({ values, folder, say }) {
  const redis = await startRedis(AS_INSTALLED)
  const contenders = [
    { name: 'bare node:http', script: 'bare.mjs' },
    { name: 'postern, worker stopped', script: 'postern.mjs', args: ['stopped'] },
    { name: "the seeds' design", script: 'seeds.mjs', args: ['', redis.url] },
    { name: 'postern, drained', script: 'postern.mjs', args: ['drained'] },
  ]
  const rounds = []
  try {
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      const results = {}
      for (const contender of contenders) {
        const data = mkdtempSync(join(folder, 'round-'))
        results[contender.name] = await runContender(contender, { ...values, data })
        rmSync(data, { recursive: true, force: true })
        say(`round ${round}  ${contender.name.padEnd(24)} ${describeContender(results[contender.name])}`)
      }
      rounds.push(results)
    }
  } finally {
    await redis.stop()
  }
  return summaryOf(rounds)
}

function summaryOf(rounds) {
  const ratio = (above, below, figure = 'perSecond') =>
    median(rounds.map((round) => round[above][figure] / round[below].perSecond))
  return {
    acceptOfBare: ratio('postern, worker stopped', 'bare node:http'),
    acceptOfSeeds: ratio('postern, worker stopped', "the seeds' design"),
    sustainedOfBare: ratio('postern, drained', 'bare node:http', 'handledPerSecond'),
    sustainedOfSeeds: ratio('postern, drained', "the seeds' design", 'handledPerSecond'),
    peakRssMb: Math.max(
      ...rounds.flatMap((round) => [round['postern, worker stopped'].rssMb, round['postern, drained'].rssMb]),
    ),
    rounds,
  }
}

export function describe(result) {
  return `accept     ${result.acceptOfBare} of bare (goal 0.4)      ${result.acceptOfSeeds} × the seeds' design (goal 3)
sustained  ${result.sustainedOfBare} of bare (goal 0.25)     ${result.sustainedOfSeeds} × the seeds' design (goal 2)
memory     ${result.peakRssMb} MB at most (goal below 200)
Medians of ${result.rounds.length} rounds; each ratio within its own round.`
}
