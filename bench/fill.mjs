// Fills a file with events that were handled long ago, by the engine itself in large commits. Bodies are short: what
// grows with history is keys, deliveries and attempts.
//
//   node fill.mjs <path> <events>
import { createRequire } from 'node:module'
import { chooseDriver } from '../packages/postern/dist/stores/sqlite/driver.js'
import { Engine } from '../packages/postern/dist/stores/sqlite/engine.js'
import { anEvent } from './an-event.mjs'

const [path, events] = process.argv.slice(2)
const EVENTS_PER_COMMIT = 4096
const DAY_MS = 86_400_000
const body = Buffer.from('{"old":true}')
const nowMs = Date.now() - DAY_MS

const options = { path, driver: chooseDriver(), role: 'writer', autoCheckpointPages: 20_000 }
const engine = new Engine(options, createRequire(import.meta.url))
for (let from = 0; from < Number(events); from += EVENTS_PER_COMMIT) {
  const count = Math.min(EVENTS_PER_COMMIT, Number(events) - from)
  const batch = Array.from({ length: count }, (_, index) =>
    anEvent(`old_${from + index}`, { body, createdMs: nowMs }),
  )
  commit({ verb: 'put', events: batch, nowMs })
  const { claimed } = commit({
    verb: 'claim',
    destinations: [{ name: 'handlers', limit: count }],
    leaseMs: 60_000,
    keepMs: 0,
    nowMs,
  })
  const settlements = claimed.map(({ deliverySeq, token }) => ({
    deliverySeq,
    token,
    outcome: { kind: 'succeeded' },
    durationMs: 1,
  }))
  commit({ verb: 'settle', settlements, nowMs })
}
engine.close()

function commit(operation) {
  const [result] = engine.commit([operation])
  if (!result.ok) throw new Error(result.error)
  return result.value
}
