/**
 * The disk errs, hangs, or dies with the process, at a call chosen by number: no answer is false, and all is well again
 * by itself. The long form with its result is `docs/proofs/faults.md`.
 */
import { join } from 'node:path'
import { expect, onTestFinished, test, type TestContext } from 'vitest'
import { ChildServer } from '../support/child-server.mjs'
import { makeFaultShim, type FaultShim } from '../support/fault-shim.mjs'
import { tempFolder } from '../support/inbox.ts'
import { runProof } from '../support/proof.ts'
import { SECRET } from '../support/requests.ts'
import { SignedConnection } from '../support/signed-connection.mjs'
import { skipVisibly } from '../support/skip.ts'
import { readStored } from '../support/stored.mjs'
import { timedTest } from '../support/timed-test.ts'

/** The tightest sender waits 3 s, and an answer takes its time to arrive. */
const ANSWERED_WITHIN_MS = 2900

/** How late a process is that only waits, at p99: 16 ms under a load of 5 on 2 cores, 23 to 110 under 8 to 11, its timer's 10 included. */
const BUSY_MS = 25

interface DiskErrors {
  readonly rows: readonly (Readonly<Record<string, number>> & { readonly name: string })[]
}

test('whichever sync or write fails or is the last: nothing acknowledged is lost, no effect stands alone, and the next request is 200', async (context) => {
  const ranges =
    '--syncs 30 --writes 60 --starts 18 --kills 36 --checkpoint-syncs 0 --checkpoint-writes 6 --step 3'
  const found = await runProof<DiskErrors>('disk-errors', ...ranges.split(' '))
  if ('refused' in found) skipVisibly(context, found.refused)
  const faultless = { missing: 0, doubled: 0, altered: 0, damaged: 0, withoutEffect: 0, withMoreEffects: 0 }
  const answers = { otherAnswers: 0, notRecovered: 0 }
  expect(found.rows.map(({ name }) => name)).toEqual([
    'sync EIO',
    'write EIO',
    'write ENOSPC',
    'checkpoint sync EIO',
    'checkpoint write EIO',
    'at start',
    'kill',
  ])
  for (const row of found.rows) {
    expect(row).toMatchObject({ ...faultless, ...answers })
    expect(row.slowestMs).toBeLessThan(ANSWERED_WITHIN_MS)
  }
  // Else nothing was broken.
  for (const { refused } of found.rows.slice(0, 3)) expect(refused).toBeGreaterThan(0)
  expect(found.rows.at(-1)).toMatchObject({ halves: 0 })
  expect(found.rows.at(-1)?.unfinished).toBeGreaterThan(0)
}, 240_000)

test('while every sync fails each answer is 503 in time; the first one after is 200, without a restart', async (context) => {
  const { shim, send, file, server } = await startOverShim(context)
  expect((await send('evt_before')).status).toBe(200)
  shim.failSync(1, 1_000_000)
  for (const id of ['evt_1', 'evt_2', 'evt_3']) {
    const { status, tookMs } = await send(id)
    expect(status).toBe(503)
    expect(tookMs).toBeLessThan(ANSWERED_WITHIN_MS)
  }
  shim.heal()
  for (const id of ['evt_1', 'evt_2', 'evt_3']) expect((await send(id)).status).toBe(200)
  await server.kill()
  const { ids } = await readStored(file)
  expect(ids.toSorted()).toEqual(['evt_1', 'evt_2', 'evt_3', 'evt_before'])
})

timedTest(
  'a sync that takes 4 s is answered 503 within 2.5 s; the event it held is the retry’s duplicate',
  async (context) => {
    const { shim, send, file, server } = await startOverShim(context)
    shim.slowDown(4000)
    const { status, tookMs } = await send('evt_slow')
    expect(status).toBe(503)
    expect(tookMs).toBeLessThan(ANSWERED_WITHIN_MS)
    shim.heal()
    // Waits for the slow one's end behind it, as long as an answer may take.
    let retry = await send('evt_slow')
    if (retry.status === 503) retry = await send('evt_slow')
    expect(retry).toMatchObject({ status: 200, isDuplicate: true })
    await server.kill()
    expect((await readStored(file)).ids).toEqual(['evt_slow'])
  },
)

interface SlowDisk {
  readonly sent: number
  readonly statuses: Readonly<Record<string, number>>
  readonly p99Ms: number
  readonly loopDelayP90Ms: number
  readonly bystanderP99Ms: number
  readonly withOneEffect: number
}

// A machine that is busy with something else is late now and then; a server that waits for its disk is late each time.
test(
  'with 200 ms more in every sync, 500 events a second are answered within 1 s at p99 and the event loop stays under 50 ms',
  { retry: 2, timeout: 60_000 },
  async (context) => {
    const found = await runProof<SlowDisk>('slow-disk', '--seconds', '3')
    if ('refused' in found) skipVisibly(context, found.refused)
    const { sent, statuses, p99Ms, loopDelayP90Ms, bystanderP99Ms, withOneEffect } = found
    if (bystanderP99Ms > BUSY_MS) {
      skipVisibly(
        context,
        `a process that only waits was ${bystanderP99Ms} ms late: nothing can be timed here now`,
      )
    }
    expect(sent).toBeGreaterThan(1400)
    expect(statuses).toEqual({ 200: sent })
    expect(withOneEffect).toBe(sent)
    // Else no sync was slowed down.
    expect(p99Ms).toBeGreaterThan(200)
    expect(p99Ms).toBeLessThan(1000)
    // The rest belongs to the other tests on the same cores; the long form has the p99 and the longest.
    expect(loopDelayP90Ms).toBeLessThan(50)
  },
)

interface BrokenDisk {
  readonly shim: FaultShim
  readonly server: ChildServer
  readonly file: string
  readonly send: (id: string) => Promise<{ status: number; isDuplicate: boolean; tookMs: number }>
}

/** A server without a worker, so that every sync is one that an answer waits for. */
async function startOverShim(context: TestContext): Promise<BrokenDisk> {
  const folder = tempFolder()
  const file = join(folder, 'inbox.db')
  const shim = makeFaultShim(folder, file)
  if ('refused' in shim) return skipVisibly(context, shim.refused)
  const server = await ChildServer.start(
    { place: file, secret: SECRET, startsWorker: false },
    shim.environment,
  )
  const connection = await SignedConnection.open(server.port, SECRET)
  onTestFinished(async () => {
    connection?.close()
    await server.kill()
    shim.close()
  })
  const send = async (id: string): ReturnType<BrokenDisk['send']> => {
    const startedMs = performance.now()
    const answer = await connection?.send(id)
    if (answer === undefined) throw new Error(`no answer to ${id}`)
    return { ...answer, tookMs: performance.now() - startedMs }
  }
  return { shim, server, file, send }
}
