import { expect, test, vi } from 'vitest'
import { DEFAULT_RETRY_SCHEDULE, longestSpanMs } from '../inbox/index.ts'
import { createPostern, type Postern } from '../postern.ts'
import { vastai } from '../providers/index.ts'
import { memory, type MemoryStore } from '../stores/memory/index.ts'
import { anEvent, deliveryOf, putStored } from '../testing/store-contract/fixtures.ts'
import { NoHandlerWarning } from './no-handler.ts'

const SECRET = 'a-secret-of-16-bytes-or-more'
const START_MS = 1_772_490_000_000
const DAY = 24 * 60 * 60 * 1000

test('a node of a deploy under way leaves what it has no handler for to one that has, with all its tries', async () => {
  let nowMs = START_MS
  const store = memory({ now: () => nowMs })
  const warn = vi.fn<(message: string, fields?: object) => void>()
  const handled: unknown[] = []
  const node = (...types: readonly string[]): Postern => aNode(store, types, handled, () => nowMs, warn)
  const [older, newer] = [node('resource.created'), node('resource.created', 'resource.deleted')]
  const of = { source: 'vastai', type: 'resource.deleted' }
  const eventSeq = await putStored(store, anEvent(of))
  for (let tries = 0; tries < 40; tries += 1) {
    await older.drain()
    nowMs += 30_000
  }
  expect(await deliveryOf(store, eventSeq)).toMatchObject({ state: 'pending', attempts: [] })
  expect(warn.mock.calls).toEqual([[expect.stringContaining('no handler on this node'), of]])
  nowMs += 600_000
  await newer.drain()
  expect(handled).toEqual([['resource.deleted', 1]])
})

test('a replay of an old event waits for a node that has its handler as long as a new event does', async () => {
  let nowMs = START_MS
  const store = memory({ now: () => nowMs })
  const handled: unknown[] = []
  const node = (...types: readonly string[]): Postern => aNode(store, types, handled, () => nowMs, vi.fn())
  const [older, newer] = [node('resource.created'), node('resource.created', 'resource.deleted')]
  const eventSeq = await putStored(
    store,
    anEvent({ source: 'vastai', type: 'resource.deleted', destinations: [] }),
  )
  nowMs += 20 * DAY
  await newer.replay(eventSeq)
  const drainFor = async (ms: number): Promise<void> => {
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 10 * 60_000) await older.drain()
  }
  const spanMs = longestSpanMs(DEFAULT_RETRY_SCHEDULE)
  await drainFor(spanMs - DAY)
  expect(await deliveryOf(store, eventSeq)).toMatchObject({ state: 'pending', attempts: [] })
  await drainFor(DAY + 10 * 60_000)
  expect(await deliveryOf(store, eventSeq)).toMatchObject({ state: 'dead' })
})

test('the warning comes once a minute', () => {
  let nowMs = 0
  const warn = vi.fn<(message: string) => void>()
  const warning = new NoHandlerWarning({ debug() {}, info() {}, warn, error() {} }, () => nowMs)
  const event = { source: 's', type: 't' } as Parameters<NoHandlerWarning['tell']>[0]
  for (nowMs of [0, 1, 59_999, 60_000, 60_001]) warning.tell(event)
  expect(warn).toHaveBeenCalledTimes(2)
})

function aNode(
  store: MemoryStore,
  types: readonly string[],
  handled: unknown[],
  now: () => number,
  warn: (message: string, fields?: object) => void,
): Postern {
  return createPostern({
    store,
    now,
    sources: { vastai: vastai({ secret: SECRET }) },
    log: { debug() {}, info() {}, warn, error() {} },
    handlers: (on) =>
      types.map((type) => on('vastai', type, (event, { attempt }) => handled.push([event.type, attempt]))),
  })
}
