/** A graceful stop loses nothing, interrupts as little as it can, and comes to an end. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sqlite } from 'postern/sqlite'
import { expect, test } from 'vitest'
import { expectDuplicate, expectReceived, expectUnavailable } from '../support/expectations.ts'
import { allEvents, gate, replacing, startInbox, tempFolder } from '../support/inbox.ts'
import { RawConnection } from '../support/raw-client.ts'
import { head, SECRET, seedEvent } from '../support/requests.ts'
import { timedTest } from '../support/timed-test.ts'
import { eventually } from '../support/eventually.ts'

const CRON_JOB = fileURLToPath(new URL('../support/cron-job.mjs', import.meta.url))

test('a stop waits for the handler that runs, and its delivery is done', async () => {
  const folder = tempFolder()
  const [started, work] = [gate(), gate()]
  const inbox = await startInbox({ folder, handler: () => (started.open(), work.opened) })
  await inbox.postern.start()
  expectReceived(await inbox.send(seedEvent('evt_1')))
  await started.opened
  const stopped = inbox.postern.stop()
  work.open()
  await stopped
  const again = await startInbox({ folder })
  expect((await again.store.list({ of: 'deliveries', limit: 10 })).deliveries).toMatchObject([
    { state: 'succeeded', attempt: 1 },
  ])
})

test('a handler that outlasts the grace is told so, and its delivery is the next start’s, as if it had not been tried', async () => {
  const folder = tempFolder()
  const [started, aborted] = [gate(), gate()]
  const first = await startInbox({
    folder,
    handler: (_event, { signal }) => {
      signal.addEventListener('abort', aborted.open)
      started.open()
      return new Promise<never>(() => {})
    },
  })
  await first.postern.start()
  expectReceived(await first.send(seedEvent('evt_1')))
  await started.opened
  await first.postern.stop({ graceMs: 0 })
  await aborted.opened

  const attempts: number[] = []
  const second = await startInbox({ folder, handler: (_event, { attempt }) => void attempts.push(attempt) })
  expect((await second.store.list({ of: 'deliveries', limit: 10 })).deliveries).toMatchObject([
    { state: 'pending', attempt: 0 },
  ])
  // Not only after the 30 s of the lease.
  expect(await second.postern.drain()).toBe(1)
  expect(attempts).toEqual([1])
})

test('what was not begun before a stop is begun after the restart', async () => {
  const folder = tempFolder()
  const [started, work] = [gate(), gate()]
  const first = await startInbox({
    folder,
    worker: { concurrency: 1 },
    handler: () => (started.open(), work.opened),
  })
  await first.postern.start()
  for (const id of ['evt_1', 'evt_2', 'evt_3']) expectReceived(await first.send(seedEvent(id)))
  await started.opened
  const stopped = first.postern.stop()
  work.open()
  await stopped
  const done = [...first.handled]
  const second = await startInbox({ folder })
  await second.postern.drain()
  expect([...done, ...second.handled].toSorted()).toEqual(['evt_1', 'evt_2', 'evt_3'])
})

test('requests during a stop are 503, a duplicate too, and nothing of them is stored', async () => {
  const folder = tempFolder()
  const [started, work] = [gate(), gate()]
  const inbox = await startInbox({ folder, handler: () => (started.open(), work.opened) })
  await inbox.postern.start()
  expectReceived(await inbox.send(seedEvent('evt_1')))
  await started.opened
  const stopped = inbox.postern.stop()
  expectUnavailable(await inbox.send(seedEvent('evt_2')))
  expectUnavailable(await inbox.send(seedEvent('evt_1')))
  expect(await inbox.postern.isReady()).toBe(false)
  work.open()
  await stopped
  expectUnavailable(await inbox.send(seedEvent('evt_3')))
  expect(await storedAfter(folder)).toEqual(['evt_1'])
})

test('a body that was half here when the stop began is 503', async () => {
  const folder = tempFolder()
  const inbox = await startInbox({ folder })
  const request = seedEvent('evt_1')
  const connection = await RawConnection.open(inbox.port)
  const length = [['Content-Length', String(request.body.byteLength)]] as const
  await connection.send(Buffer.concat([head(request, length), request.body.subarray(0, 10)]))
  await eventually(() => expect(inbox.bytesRead()).toBeGreaterThan(0))
  await inbox.postern.stop()
  await connection.send(request.body.subarray(10))
  expectUnavailable(await connection.answer())
  connection.close()
  expect(await storedAfter(folder)).toEqual([])
})

test('of the requests that a stop falls among, those answered 200 are exactly those stored', async () => {
  const folder = tempFolder()
  const inbox = await startInbox({ folder })
  await inbox.postern.start()
  const received: string[] = []
  let stopped: Promise<void> | undefined
  const sender = async (_: unknown, index: number): Promise<void> => {
    for (let round = 0; ; round += 1) {
      const id = `evt_${index}_${round}`
      const answer = await inbox.send(seedEvent(id))
      if (answer.status !== 200) return expectUnavailable(answer)
      received.push(id)
      if (received.length === 40) stopped = inbox.postern.stop()
    }
  }
  await Promise.all(Array.from({ length: 8 }, sender))
  await stopped
  expect(received.length).toBeGreaterThanOrEqual(40)
  expect((await storedAfter(folder)).toSorted()).toEqual(received.toSorted())
})

test('drain runs what is due without a start, retries included, and says how many attempts that took', async () => {
  const inbox = await startInbox({
    handler: (_event, { attempt }) => {
      if (attempt < 3) throw new Error('not yet')
    },
  })
  expectReceived(await inbox.send(seedEvent('evt_1')))
  expect(inbox.handled).toEqual([])
  expect(await inbox.postern.drain()).toBe(3)
  expect(await inbox.postern.drain()).toBe(0)
  expect((await inbox.store.list({ of: 'deliveries', limit: 10 })).deliveries).toMatchObject([
    { state: 'succeeded', attempt: 3 },
  ])
})

test('drain does not end on an empty claim that a retry, settled meanwhile, has made out of date', async () => {
  const settled = gate()
  const inbox = await startInbox({
    handler: (_event, { attempt }) => {
      if (attempt === 1) throw new Error('not yet')
    },
    wrap: (store) =>
      replacing(store, {
        claim: async (request) => {
          const claimed = await store.claim(request)
          if (claimed.length > 0) return claimed
          // Nothing was due when it looked; the answer comes after the settle's, as one commit's answers may.
          await settled.opened
          return new Promise((resolve) => setImmediate(resolve, claimed))
        },
        settle: (settlements) => store.settle(settlements).finally(settled.open),
      }),
  })
  expectReceived(await inbox.send(seedEvent('evt_1')))
  expect(await inbox.postern.drain()).toBe(2)
})

test('drain beside a started worker runs each delivery once', async () => {
  const inbox = await startInbox()
  await inbox.postern.start()
  const ids = Array.from({ length: 30 }, (_, index) => `evt_${index}`)
  await Promise.all(ids.map(async (id) => expectReceived(await inbox.send(seedEvent(id)))))
  await Promise.all([inbox.postern.drain(), inbox.postern.drain()])
  await eventually(() => expect(inbox.handled.toSorted()).toEqual(ids.toSorted()))
})

timedTest('an idle worker, waiting for work, stops at once', async () => {
  const inbox = await startInbox()
  await inbox.postern.start()
  expectReceived(await inbox.send(seedEvent('evt_1')))
  await eventually(() => expect(inbox.occurrences.map(({ kind }) => kind)).toEqual(['accepted', 'attempted']))
  const startedMs = performance.now()
  await inbox.postern.stop()
  // It waits for work 5 s at a time.
  expect(performance.now() - startedMs).toBeLessThan(1000)
})

test('stopping twice, at once or later, is stopping once', async () => {
  const inbox = await startInbox()
  await inbox.postern.start()
  await Promise.all([inbox.postern.stop(), inbox.postern.stop()])
  await inbox.postern.stop()
})

test('an inbox that was never started can be stopped, and cannot be started after that', async () => {
  const folder = tempFolder()
  const first = await startInbox({ folder })
  expectReceived(await first.send(seedEvent('evt_1')))
  await first.postern.stop()
  await expect(first.postern.start()).rejects.toMatchObject({ code: 'store_closed' })
  const second = await startInbox({ folder })
  expectDuplicate(await second.send(seedEvent('evt_1')))
  await second.postern.drain()
  expect([...first.handled, ...second.handled]).toEqual(['evt_1'])
})

test('a script that drains, stops and has nothing more to do ends with 0, its file closed', async () => {
  const folder = tempFolder()
  const inbox = await startInbox({ folder })
  expectReceived(await inbox.send(seedEvent('evt_1')))
  await inbox.stop()
  const ran = await promisify(execFile)(process.execPath, [CRON_JOB, folder, SECRET])
  expect(ran.stdout).toBe('attempts: 1\n')
  expect(readdirSync(folder)).toEqual(['postern.db'])
})

async function storedAfter(folder: string): Promise<readonly string[]> {
  const store = sqlite(join(folder, 'postern.db'))
  try {
    return (await allEvents(store)).map(({ id }) => id)
  } finally {
    await store.close()
  }
}
