/**
 * The power is cut under load: what was not synced is gone, as `kill -9` never shows. The long form with its result is
 * `docs/proofs/power-cut.md`.
 */
import { expect, test } from 'vitest'
import { runProof } from '../support/proof.ts'
import { leftOut } from '../support/servers/left-out.ts'
import { skipVisibly } from '../support/skip.ts'

interface PowerCuts {
  readonly sound: readonly Cut[]
  readonly control: readonly Cut[]
  readonly effects?: { readonly ofAcknowledged: number; readonly moreThanOne: number; readonly total: number }
}

/** What the disk had after a cut, held against what the client was told since the first one. */
interface Cut {
  readonly acknowledged: number
  readonly missing: number
  readonly unacknowledgedPresent: number
}

/** Each with what its control does not wait for. */
const STORES = [
  ['sqlite', 'synchronous = NORMAL'],
  ['postgres', 'fsync = off'],
  ['redis', 'appendfsync everysec'],
] as const
/** Events between two cuts. */
const SMALL = ['--spread', '1500']
const TESTED = STORES.filter(([store]) => !leftOut().some((server) => server === store))

test.for(TESTED)(
  '%s: after 3 power cuts under load every acknowledged event is there, byte-exact, and has one effect',
  { timeout: 300_000 },
  async ([store], context) => {
    const args = ['--store', store, '--cuts', '3', '--control', '0', ...SMALL]
    const found = await runProof<PowerCuts>('power-cut', ...args)
    if ('refused' in found) skipVisibly(context, found.refused)
    expect(found.sound).toHaveLength(3)
    for (const cut of found.sound) {
      expect(cut).toMatchObject({ missing: 0, altered: 0, doubled: 0, invented: 0, integrity: 'ok' })
    }
    const { acknowledged = 0, unacknowledgedPresent = 0 } = found.sound.at(-1) ?? {}
    expect(acknowledged).toBeGreaterThan(1500)
    expect(found.effects).toEqual({
      ofAcknowledged: acknowledged,
      moreThanOne: 0,
      total: acknowledged + unacknowledgedPresent,
    })
  },
)

test.for(TESTED)(
  'negative control: %s with %s loses acknowledged events within 12 cuts',
  { timeout: 300_000 },
  async ([store, setting], context) => {
    const args = ['--store', store, '--cuts', '0', '--control', '12', ...SMALL]
    const found = await runProof<PowerCuts>('power-cut', ...args)
    if ('refused' in found) skipVisibly(context, found.refused)
    const { acknowledged = 0, missing = 0 } = found.control.at(-1) ?? {}
    expect(missing).toBeGreaterThan(0)
    const { length } = found.control
    console.info(`${setting} lost ${missing} of ${acknowledged} acknowledged events at cut ${length}`)
  },
)
