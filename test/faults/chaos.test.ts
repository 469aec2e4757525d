/**
 * Four nodes on one server under load, while nodes and the server are killed. The long form, ten minutes for each store, is
 * `docs/proofs/chaos.md`.
 */
import { expect, test } from 'vitest'
import { expectNothingWrong, wakeUpMs, type Tally } from '../support/many-nodes.ts'
import { runProof } from '../support/proof.ts'
import { leftOut } from '../support/servers/left-out.ts'

interface Chaos extends Tally {
  readonly faults: Readonly<
    Record<'nodeKills' | 'serverKills' | 'serverKillsWithNode' | 'serverRestarts', number>
  >
  readonly answers: Readonly<Record<string, number>>
  readonly storedTwice: number
  readonly neverResumed: number
}

const STORES = (['postgres', 'redis'] as const).filter((store) => !leftOut().includes(store))

test.for(STORES)(
  '%s: while four nodes and their server are killed, every acknowledged event is there once, comes to its end and has its effect once',
  { timeout: 300_000 },
  async (store) => {
    const args = ['--store', store, '--rate', '40', '--script', 'short']
    const found = await runProof<Chaos>('chaos', ...args)
    if ('refused' in found) throw new Error(found.refused)
    expectNothingWrong(found)
    expect(found).toMatchObject({ storedTwice: 0, neverResumed: 0 })
    expect(found.wokenP50Ms).toBeLessThan(wakeUpMs)
    // Else nothing was tried: requests were cut off, and the server was away.
    expect(found.answers).toMatchObject({ 200: expect.any(Number), 503: expect.any(Number) })
    expect(found.answers['none']).toBeGreaterThan(0)
    expect(Object.values(found.faults).every((count) => count > 0)).toBe(true)
    expect(found.dead).toBeGreaterThan(0)
  },
)
