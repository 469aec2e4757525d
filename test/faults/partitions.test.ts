/**
 * Three nodes on one server, two of them by way of a network that is made slow, cut, silent or stranded. The long form is
 * `docs/proofs/partitions.md`.
 */
import { expect, test } from 'vitest'
import { expectNothingWrong, wakeUpMs, type Tally } from '../support/many-nodes.ts'
import { runProof } from '../support/proof.ts'
import { leftOut } from '../support/servers/left-out.ts'

interface Partitions extends Tally {
  readonly troubles: readonly {
    readonly name: string
    readonly answers: Readonly<Record<string, number>>
    readonly slowestMs: number
    readonly neverResumed: number
    readonly storedTwice: readonly string[]
  }[]
}

/** GitHub's. */
const SENDER_GIVES_UP_MS = 10_000
const STORES = (['postgres', 'redis'] as const).filter((store) => !leftOut().includes(store))

test.for(STORES)(
  '%s: whatever the network does, senders are answered in time, and afterwards every node goes on by itself and nothing is lost or done twice',
  { timeout: 300_000 },
  async (store) => {
    const found = await runProof<Partitions>('partitions', '--store', store, '--seconds', '4', '--rate', '30')
    if ('refused' in found) throw new Error(found.refused)
    expectNothingWrong(found)
    for (const trouble of found.troubles) {
      expect(trouble).toMatchObject({ neverResumed: 0, storedTwice: [] })
      expect(trouble.slowestMs).toBeLessThan(SENDER_GIVES_UP_MS)
    }
    expect(found.wokenP50Ms).toBeLessThan(wakeUpMs)
    // Else nothing was tried: all is well without trouble, and with it nodes were cut off.
    const [none, ...others] = found.troubles
    expect(Object.keys(none?.answers ?? {})).toEqual(['200'])
    const refusing = others.filter(({ answers }) => '503' in answers).map(({ name }) => name)
    expect(refusing).toEqual(expect.arrayContaining(['cut', 'silent', 'stranded']))
  },
)
