// What a second scheme costs an accept, and what ten named handlers cost an event: each beside the plain case, in turn.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describeContender, runContender } from '../contender.mjs'
import { median } from '../median.mjs'

export const name = 'variants'

const CONTENDERS = [
  { name: 'one scheme', script: 'postern.mjs', args: ['stopped', '1'] },
  { name: 'two schemes', script: 'postern.mjs', args: ['stopped', '2'] },
  { name: 'one handler', script: 'postern.mjs', args: ['drained', '2', '1'] },
  { name: 'ten handlers', script: 'postern.mjs', args: ['drained', '2', '10'] },
]

export async function measure({ values, folder, say }) {
  const rounds = []
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const results = {}
    for (const contender of CONTENDERS) {
      const data = mkdtempSync(join(folder, 'round-'))
      results[contender.name] = await runContender(contender, { ...values, data })
      rmSync(data, { recursive: true, force: true })
      say(`round ${round}  ${contender.name.padEnd(12)} ${describeContender(results[contender.name])}`)
    }
    rounds.push(results)
  }
  const ratio = (above, below, figure) =>
    median(rounds.map((round) => round[above][figure] / round[below][figure]))
  return {
    twoSchemesOfOne: ratio('two schemes', 'one scheme', 'perSecond'),
    tenHandlersOfOne: ratio('ten handlers', 'one handler', 'perSecond'),
    handledByTenOfOne: ratio('ten handlers', 'one handler', 'handledPerSecond'),
    rounds,
  }
}

export function describe({ twoSchemesOfOne, tenHandlersOfOne, handledByTenOfOne, rounds }) {
  return `two schemes   ${twoSchemesOfOne} of the accepts with one
ten handlers  ${tenHandlersOfOne} of the accepts with one, and ${handledByTenOfOne} times as many attempts
Medians of ${rounds.length} rounds; each ratio within its own round.`
}
