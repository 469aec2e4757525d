/** `postern.metrics()`: what happened and what the store holds, as plain values. */
import { join } from 'node:path'
import { createPostern, sign, type Histogram, type Metrics } from 'postern'
import { vastai } from 'postern/providers'
import { sqlite } from 'postern/sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { startInbox, tempFolder } from '../support/inbox.ts'
import { orderedEvent } from '../support/ordered-event.mjs'
import { NOW_MS, SECRET, seedBody, seedEvent, tampered, without } from '../support/requests.ts'

test('everything that happened is counted, by names of the configuration', async () => {
  let left = 1
  const inbox = await startInbox({
    retry: { baseMs: 0, capMs: 0 },
    handler: () => {
      left -= 1
      if (left >= 0) throw new Error('not yet')
    },
  })
  await inbox.send(seedEvent('evt_1'))
  await inbox.send(seedEvent('evt_1'))
  await inbox.send(seedEvent('evt_1', { data: { other: true } }))
  await inbox.send(seedEvent('evt_2', {}, { vendor: 'anima' }))
  await inbox.send(tampered(seedEvent('evt_3'), (body) => Buffer.concat([body, Buffer.from(' ')])))
  await inbox.send(without(seedEvent('evt_3'), 'x-vastai-signature'))
  await inbox.send({ ...seedEvent('evt_3'), path: '/webhooks/chosen-by-a-stranger' })

  const before = await inbox.postern.metrics()
  expect(before.accepted).toEqual([
    { source: 'vastai', stored: 1, duplicates: 1, conflicts: 1 },
    { source: 'anima', stored: 1, duplicates: 0, conflicts: 0 },
  ])
  expect(before.rejected).toEqual([
    { source: 'vastai', reason: 'signature_mismatch', status: 401, count: 1 },
    { source: 'vastai', reason: 'missing_header', status: 401, count: 1 },
    { source: '', reason: 'unknown_source', status: 404, count: 1 },
  ])
  expect(before.attempts).toEqual([])
  expect(before.store.events).toBe(3)
  expect(before.store.destinations).toMatchObject([{ name: 'handlers', pending: 2, leased: 0, dead: 0 }])
  expect(before.store.destinations[0]?.oldestPendingMs).toBeGreaterThan(0)

  await inbox.postern.drain()
  const after = await inbox.postern.metrics()
  expect(after.attempts).toEqual([
    { destination: 'handlers', outcome: 'retry', count: 1 },
    { destination: 'handlers', outcome: 'succeeded', count: 2 },
  ])
  expectWhole(after)
})

test('destinations that nothing here handles are listed, as long as they have work, and are left alone', async () => {
  const store = sqlite(join(tempFolder(), 'postern.db'))
  const inboxOf = (name: string): ReturnType<typeof createPostern> =>
    createPostern({
      store,
      sources: { vastai: vastai({ secret: SECRET }) },
      handlers: (on) => [on('vastai', '*', () => {}, { name })],
    })
  const [old, current] = [inboxOf('audit'), inboxOf('billing')]
  onTestFinished(() => current.stop())
  await store.put([{ ...orderedEvent('evt_1', 'key_1'), destinations: ['audit', 'billing'] }])
  expect(await current.drain()).toBe(1)
  expect((await current.metrics()).orphaned).toEqual(['audit'])
  expect((await old.metrics()).orphaned).toEqual([])
  expect(await old.drain()).toBe(1)
  expect((await current.metrics()).orphaned).toEqual([])
})

test('the last use of each secret outlives a restart and the rotation that gives it another place', async () => {
  const file = join(tempFolder(), 'postern.db')
  const [first, second] = ['the-first-secret-of-16-bytes', 'the-second-secret-of-16-bytes']
  const inboxOf = (secret: readonly string[], nowMs: number): ReturnType<typeof createPostern> =>
    createPostern({ store: sqlite(file), sources: { vastai: vastai({ secret }) }, now: () => nowMs })
  const usesOf = async (postern: ReturnType<typeof createPostern>): Promise<readonly unknown[]> =>
    (await postern.metrics()).secrets.map(({ position, lastMatchedMs }) => [position, lastMatchedMs])
  const event = (id: string, secret: string, nowMs: number): Request => {
    const body = seedBody(id)
    const headers = sign(vastai({ secret }), { body, nowMs, scheme: 'vastai-template' })
    return new Request('http://localhost/webhooks/vastai', { method: 'POST', headers, body })
  }

  const before = inboxOf([first], NOW_MS)
  expect((await before.fetch(event('evt_1', first, NOW_MS))).status).toBe(200)
  await before.stop()
  const laterMs = NOW_MS + 3 * 86_400_000
  const after = inboxOf([second, first], laterMs)
  onTestFinished(() => after.stop())
  expect(await usesOf(after)).toEqual([
    [1, undefined],
    [2, NOW_MS],
  ])
  expect((await after.fetch(event('evt_2', second, laterMs))).status).toBe(200)
  // It is written after the answer.
  await expect
    .poll(() => usesOf(after))
    .toEqual([
      [1, laterMs],
      [2, NOW_MS],
    ])
  expect(JSON.stringify((await after.metrics()).secrets)).not.toMatch(/of-16/)
  after.setSecret('vastai', [second])
  expect(await usesOf(after)).toEqual([[1, laterMs]])
})

/** Every histogram holds something, and adds up. */
function expectWhole({ acceptMs, attemptMs, store }: Metrics): void {
  expect(acceptMs.count).toBe(4)
  expect(attemptMs.count).toBe(3)
  const { operations, durationMs, fsyncMs } = store.commits
  // Each commit is measured three ways.
  expect(durationMs.count).toBe(operations.count)
  expect(fsyncMs.count).toBe(operations.count)
  expect(operations.sum).toBeGreaterThanOrEqual(operations.count)
  expect(fsyncMs.sum).toBeLessThanOrEqual(durationMs.sum)
  for (const histogram of [acceptMs, attemptMs, operations, durationMs, fsyncMs]) expectSound(histogram)
}

function expectSound({ bounds, counts, count, sum, max }: Histogram): void {
  expect(count).toBeGreaterThan(0)
  expect(counts).toHaveLength(bounds.length + 1)
  expect(counts.reduce((total, each) => total + each, 0)).toBe(count)
  expect(bounds).toEqual(bounds.toSorted((left, right) => left - right))
  expect(max).toBeGreaterThan(0)
  expect(sum).toBeGreaterThanOrEqual(max)
}
