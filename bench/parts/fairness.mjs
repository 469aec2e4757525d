// What one dead destination with 5,000 deliveries due costs the other 999: their latency beside that without it, in turn.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startPostgres } from '../../test/support/servers/for-scripts.mjs'
import { median } from '../median.mjs'

export const name = 'fairness'

const STORES = ['sqlite', 'postgres']
const RUNS = STORES.flatMap((store) => ['healthy', 'dead'].map((kind) => [store, kind]))

export async function measure({ values, folder, say }) {
  const postgres = await startPostgres()
  const rounds = []
  try {
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      const results = {}
      for (const [store, kind] of RUNS) {
        const result = await onFreshStore({ store, postgres, folder }, (place) => run(place, values, kind))
        results[`${store} ${kind}`] = result
        const { p50Ms, p99Ms, maxMs, deliveries, sent } = result
        say(
          `round ${round}  ${store.padEnd(8)} ${kind.padEnd(7)} p50 ${p50Ms} p99 ${p99Ms} longest ${maxMs} ms, ${deliveries} deliveries of ${sent} events`,
        )
      }
      rounds.push(results)
    }
  } finally {
    await postgres.stop()
  }
  const ratioOf = (store) =>
    median(rounds.map((round) => round[`${store} dead`].p99Ms / round[`${store} healthy`].p99Ms))
  return { p99BesideDead: Object.fromEntries(STORES.map((store) => [store, ratioOf(store)])), rounds }
}

export function describe({ p99BesideDead, rounds }) {
  const ratios = Object.entries(p99BesideDead).map(([store, ratio]) => `${store} ${ratio}`)
  return `p99 of 999 destinations beside a dead one, of that without: ${ratios.join(', ')} (goal at most 2)
100 sources with 10 destinations each, 200 events a second, 5,000 deliveries due at the dead one.
Medians of ${rounds.length} rounds; each ratio within its own round.`
}

async function onFreshStore({ store, postgres, folder }, use) {
  if (store === 'sqlite') {
    const data = mkdtempSync(join(folder, 'round-'))
    try {
      return use(data)
    } finally {
      rmSync(data, { recursive: true, force: true })
    }
  }
  const { url, drop } = await postgres.database()
  try {
    return use(url)
  } finally {
    await drop()
  }
}

function run(place, { seconds }, kind) {
  const script = join(import.meta.dirname, '..', 'fairness-run.mjs')
  return JSON.parse(execFileSync(process.execPath, [script, place, seconds, kind], { encoding: 'utf8' }))
}
