/** A store that refuses, hangs, is late, is locked or is full: 503 in time, nothing falsely acknowledged, and well again by itself. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { PutResult } from 'postern'
import { afterEach, expect, test, vi } from 'vitest'
import { loadDriver } from '../../packages/postern/src/stores/sqlite/database.ts'
import { chooseDriver } from '../../packages/postern/src/stores/sqlite/driver.ts'
import {
  expectDuplicate,
  expectNotAuthentic,
  expectReceived,
  expectUnavailable,
  keptRejections,
  storedIds,
} from '../support/expectations.ts'
import { mountSmallDisk } from '../support/full-disk.ts'
import { gate, replacing, startInbox, tempFolder } from '../support/inbox.ts'
import { NOW_SECONDS, seedBody, seedEvent, tampered } from '../support/requests.ts'
import { skipVisibly } from '../support/skip.ts'
import { timedTest } from '../support/timed-test.ts'

afterEach(() => {
  vi.useRealTimers()
})

timedTest('a commit that never ends is answered 503 within 2.5 s, and nobody else waits for it', async () => {
  const inbox = await startInbox({
    isQuiet: false,
    wrap: (store) =>
      replacing(store, {
        put: (events) => (events[0]?.id === 'evt_hangs' ? new Promise<never>(() => {}) : store.put(events)),
      }),
  })
  const startedMs = performance.now()
  const hanging = inbox.send(seedEvent('evt_hangs'))
  expectReceived(await inbox.send(seedEvent('evt_other')))
  expectNotAuthentic(await inbox.send(tampered(seedEvent('evt_bad'), (body) => body.fill(0x20, 0, 1))))
  expect(performance.now() - startedMs).toBeLessThan(1000)
  expectUnavailable(await hanging)
  // The tightest sender waits 3 s.
  expect(performance.now() - startedMs).toBeLessThan(3000)
  expect(await storedIds(inbox)).toEqual(['evt_other'])
})

test('a commit that comes after its 503 stays, and the retry is its duplicate', async () => {
  const slow = gate()
  const inbox = await startInbox({
    skin: 'fetch',
    isQuiet: false,
    wrap: (store) =>
      replacing(store, {
        put: async (events) => {
          await slow.opened
          return store.put(events)
        },
      }),
  })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  let isAnswered = false
  const late = inbox.send(seedEvent('evt_1')).finally(() => (isAnswered = true))
  await vi.advanceTimersByTimeAsync(2499)
  expect(isAnswered).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expectUnavailable(await late)
  vi.useRealTimers()
  slow.open()
  expectDuplicate(await inbox.send(seedEvent('evt_1')))
  expect(await storedIds(inbox)).toEqual(['evt_1'])
  await inbox.postern.drain()
  expect(inbox.handled).toEqual(['evt_1'])
})

test('a stale request is not answered 401 before it is kept: while the log of refusals hangs it is 503', async () => {
  const inbox = await startInbox({
    skin: 'fetch',
    isQuiet: false,
    wrap: (store) =>
      replacing(store, { rejected: { ...store.rejected, record: () => new Promise<never>(() => {}) } }),
  })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const stale = inbox.send(seedEvent('evt_1', {}, { timestamp: String(NOW_SECONDS - 301) }))
  await vi.advanceTimersByTimeAsync(2500)
  expectUnavailable(await stale)
})

test('a stale request is 503 while the log of refusals fails, and 401 and kept once it works', async () => {
  let isDown = true
  const inbox = await startInbox({
    isQuiet: false,
    wrap: (store) => {
      const record: typeof store.rejected.record = (request) =>
        isDown ? Promise.reject(new Error('EIO')) : store.rejected.record(request)
      return replacing(store, { rejected: { ...store.rejected, record } })
    },
  })
  const stale = seedEvent('evt_1', {}, { timestamp: String(NOW_SECONDS - 301) })
  expectUnavailable(await inbox.send(stale))
  isDown = false
  expectNotAuthentic(await inbox.send(stale))
  expect(await keptRejections(inbox)).toEqual([{ reason: 'stale', body: seedBody('evt_1') }])
})

test('one event that the store cannot take is 503, its neighbours in the same moment are 200', async () => {
  const inbox = await startInbox({
    isQuiet: false,
    wrap: (store) =>
      replacing(store, {
        put: async (events): Promise<PutResult[]> =>
          events[0]?.id === 'evt_bad' ? [{ outcome: 'failed', error: new Error('no') }] : store.put(events),
      }),
  })
  const [first, bad, second] = await Promise.all([
    inbox.send(seedEvent('evt_1')),
    inbox.send(seedEvent('evt_bad')),
    inbox.send(seedEvent('evt_2')),
  ])
  expectReceived(first)
  expectUnavailable(bad)
  expectReceived(second)
  expect((await storedIds(inbox)).toSorted()).toEqual(['evt_1', 'evt_2'])
})

test('a store that answers with nothing is 503, never 200', async () => {
  const inbox = await startInbox({
    isQuiet: false,
    wrap: (store) => replacing(store, { put: async () => [] }),
  })
  expectUnavailable(await inbox.send(seedEvent('evt_1')))
  expect(await storedIds(inbox)).toEqual([])
})

/** The library that the store uses: the locks of two libraries do not see each other within one process. */
const { DatabaseSync } = loadDriver(chooseDriver(), createRequire(import.meta.url))

timedTest(
  'a file that another process has locked is 503 in time, bad requests are still answered at once, and all is well after',
  async () => {
    const folder = tempFolder()
    const inbox = await startInbox({ folder, isQuiet: false })
    expectReceived(await inbox.send(seedEvent('evt_before')))
    const intruder = new DatabaseSync(join(folder, 'postern.db'))
    // What follows an answer, such as a claim, may be under way.
    intruder.exec('PRAGMA busy_timeout = 5000')
    intruder.exec('BEGIN IMMEDIATE')
    const startedMs = performance.now()
    const waiting = Promise.all(['evt_1', 'evt_2', 'evt_3'].map((id) => inbox.send(seedEvent(id))))
    expectNotAuthentic(await inbox.send(tampered(seedEvent('evt_bad'), (body) => body.fill(0x20, 0, 1))))
    expect(performance.now() - startedMs).toBeLessThan(500)
    const answers = await waiting
    answers.forEach(expectUnavailable)
    expect(performance.now() - startedMs).toBeLessThan(3000)
    intruder.exec('ROLLBACK')
    intruder.close()
    for (const id of ['evt_1', 'evt_2', 'evt_3']) expectReceived(await inbox.send(seedEvent(id)))
    expect(await storedIds(inbox)).toEqual(['evt_before', 'evt_1', 'evt_2', 'evt_3'])
  },
)

timedTest(
  'a full disk is 503; once there is space again it is 200 without a restart, and nothing acknowledged is missing',
  async (context) => {
    const disk = mountSmallDisk(8)
    if ('refused' in disk) skipVisibly(context, `no small disk can be mounted here: ${disk.refused}`)
    const inbox = await startInbox({ folder: disk.folder, isQuiet: false })
    const acknowledged: string[] = []
    for (let round = 0; round < 3; round += 1) {
      const id = `evt_before_${round}`
      expectReceived(await inbox.send(seedEvent(id)))
      acknowledged.push(id)
      disk.fill()
      const large = seedEvent(`evt_full_${round}`, { data: 'x'.repeat(100_000) })
      const fullSinceMs = performance.now()
      for (let copy = 0; copy < 3; copy += 1) expectUnavailable(await inbox.send(large))
      // Each of them in time, then.
      expect(performance.now() - fullSinceMs).toBeLessThan(2500)
      expectNotAuthentic(await inbox.send(tampered(large, (body) => body.fill(0x20, 0, 1))))
      disk.free()
      expectReceived(await inbox.send(large))
      acknowledged.push(`evt_full_${round}`)
    }
    expect(await storedIds(inbox)).toEqual(acknowledged)
    await inbox.postern.drain()
    expect(inbox.handled.toSorted()).toEqual(acknowledged.toSorted())
  },
)

test('an inbox says that it is not ready while its store does not answer', async () => {
  let isDown = false
  const inbox = await startInbox({
    wrap: (store) =>
      replacing(store, {
        get: (eventSeq) => (isDown ? failing() : store.get(eventSeq)),
        stat: () => (isDown ? failing() : store.stat()),
      }),
  })
  expect(await inbox.postern.isReady()).toBe(true)
  isDown = true
  expect(await inbox.postern.isReady()).toBe(false)
})

function failing(): Promise<never> {
  return Promise.reject(new Error('EIO'))
}
