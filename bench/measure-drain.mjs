import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const script = join(import.meta.dirname, 'servers', 'drain.mjs')

/** How fast an engine records so many events, 500 at a time, and how fast it then handles all of them. */
export function measureDrain(engine, place, events) {
  const args = [script, engine, place, events].map(String)
  const { recordMs, drainMs, handled } = JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8' }),
  )
  if (handled !== events) throw new Error(`${engine} handled ${handled} of ${events}`)
  const perSecond = (ms) => Math.round((events / ms) * 1000)
  return { recorded: perSecond(recordMs), drained: perSecond(drainMs) }
}

export function describeDrain({ recorded, drained }) {
  return `${recorded}/s recorded, ${drained}/s drained`
}
