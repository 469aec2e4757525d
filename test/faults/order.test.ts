/** One at a time for each key, in the order of arrival. The long form, 100,000 events, is `docs/proofs/order.md`. */
import { join } from 'node:path'
import { createPostern } from 'postern'
import { vastai } from 'postern/providers'
import { sqlite } from 'postern/sqlite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { tempFolder } from '../support/inbox.ts'
import { inOrder } from '../support/in-order.mjs'
import { orderedEvent } from '../support/ordered-event.mjs'
import { runProof } from '../support/proof.ts'
import { SECRET } from '../support/requests.ts'
import { leftOut } from '../support/servers/left-out.ts'

interface Found {
  readonly blockedKeys: number
  readonly stuckKeys: number
  readonly kills: number
  readonly abandoned: number
  readonly left: number
  readonly runs: number
  readonly failures: number
  readonly overlaps: number
  readonly outOfOrder: number
  readonly missing: number
  readonly line: { readonly claimRatio: number; readonly stepRatio: number }
}

const STORES = (['sqlite', 'postgres', 'redis'] as const).filter(
  (store) => !leftOut().some((server) => server === store),
)

test.for(STORES)(
  '%s: four workers, with failures, kills and leases left lying, never run two of a key at once or out of order, and no key waits for another',
  { timeout: 300_000 },
  async (store) => {
    const size = ['--keys', '200', '--events', '20', '--kills', '4', '--line', '20000']
    const found = await runProof<Found>('order', '--store', store, ...size)
    expect(found).toMatchObject({
      overlaps: 0,
      outOfOrder: 0,
      missing: 0,
      // All others were done while these were still blocked; redriven, they were done too.
      stuckKeys: 2,
      blockedKeys: 2,
      left: 0,
    })
    const { kills, abandoned, runs, failures, line } = found as Found
    // Else nothing was tried. On a busy machine the work may be over before the last of four.
    expect(kills).toBeGreaterThan(1)
    expect(abandoned).toBeGreaterThan(0)
    expect(failures).toBeGreaterThan(100)
    expect(runs).toBeGreaterThan(200 * 20 + 100)
    // Looked for in the line itself, the head would cost hundreds of times as much.
    expect(line.claimRatio).toBeLessThan(2)
    expect(line.stepRatio).toBeLessThan(2)
  },
)

test('the next of a key is begun as soon as the one before it is done', async () => {
  const store = sqlite(join(tempFolder(), 'inbox.db'))
  const seen: string[] = []
  const postern = createPostern({
    store,
    sources: { vastai: vastai({ secret: SECRET, orderBy: { json: ['data', 'resource'] } }) },
    handlers: (on) => [on('vastai', '*', ({ id }) => void seen.push(id))],
  })
  onTestFinished(() => postern.stop())
  const ids = Array.from({ length: 30 }, (_, index) => `evt_${index}`)
  await store.put(ids.map((id) => orderedEvent(id, 'res_1')))
  await postern.start()
  // Where each is found only by the poll for what other processes have done, that is a second for each.
  await vi.waitFor(() => expect(seen).toEqual(ids), { timeout: 10_000 })
})

test.for([
  ['two at once', ['b 0 0 1', 's 0 0 5', 'b 0 1 4', 's 0 1 6'], { overlaps: 1, outOfOrder: 0 }],
  ['one before its turn', ['b 0 1 1', 's 0 1 2', 'b 0 0 3', 's 0 0 4'], { overlaps: 0, outOfOrder: 1 }],
  ['one after a failure', ['b 0 0 1', 'f 0 0 2', 'b 0 1 3', 's 0 1 4'], { overlaps: 0, outOfOrder: 1 }],
  ['one that is gone', ['b 0 0 1', 's 0 0 2'], { missing: 1, overlaps: 0, outOfOrder: 0 }],
  ['all as it should be', ['b 0 0 1', 's 0 0 2', 'b 0 1 3', 's 0 1 4'], { missing: 0, outOfOrder: 0 }],
] as const)('the proof finds %s', ([, lines, expected]) => {
  const log = ['1', `${lines.join('\n')}\n`] as const
  expect(inOrder([log], { keys: 1, events: 2, killedAtNs: new Map() })).toMatchObject(expected)
})
