import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { anEvent } from '../../testing/store-contract/fixtures.ts'
import { sqlite, type SqliteStore } from './index.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
const YEAR = 365 * DAY
const REQUEST = { destinations: [{ name: 'one', limit: 10 }], leaseMs: 30 * SECOND, waitMs: 0 }

let folder: string
let wallMs: number
let monotonicMs: number
let store: SqliteStore

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-clock-'))
  wallMs = 1_750_000_000_000
  monotonicMs = 0
  store = open()
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

describe.each([10 * MINUTE, DAY, 10 * YEAR])('a wall clock that is set back by %i ms', (stepMs) => {
  test('keeps no retry waiting', async () => {
    await failOnce(5 * MINUTE)
    wallMs -= stepMs
    pass(5 * MINUTE - 1)
    expect(await store.claim(REQUEST)).toHaveLength(0)
    pass(1)
    expect(await store.claim(REQUEST)).toMatchObject([{ attempt: 2 }])
  })

  test('keeps no lease of a worker that is gone', async () => {
    await store.put([anEvent({ destinations: ['one'] })])
    await store.claim(REQUEST)
    wallMs -= stepMs
    pass(30 * SECOND)
    expect(await store.claim(REQUEST)).toHaveLength(1)
  })

  test('is said by the inspection', async () => {
    await store.put([anEvent({ destinations: ['one'] })])
    expect((await store.inspect()).clockAheadMs).toBe(0)
    wallMs -= stepMs
    expect((await store.inspect()).clockAheadMs).toBe(stepMs)
  })
})

describe.each([10 * MINUTE, DAY])('a wall clock that was set back by %i ms while nothing ran', (stepMs) => {
  test('keeps no event waiting', async () => {
    await store.put([anEvent({ destinations: ['one'] })])
    await store.close()
    wallMs -= stepMs
    store = open()
    expect(await store.claim(REQUEST)).toHaveLength(1)
  })

  test('is said by the inspection, before anything else is asked', async () => {
    await store.put([anEvent({ destinations: ['one'] })])
    await store.close()
    wallMs -= stepMs
    store = open()
    expect((await store.inspect()).clockAheadMs).toBe(stepMs)
  })
})

test('a wall clock that was ten years ahead while nothing ran is not believed for ever', async () => {
  await store.put([anEvent({ destinations: ['one'] })])
  await store.close()
  wallMs -= 10 * YEAR
  store = open()
  await store.put([anEvent({ id: 'evt_later', destinations: ['one'] })])
  expect((await store.get(2))?.event.receivedMs).toBe(wallMs)
})

test('a wall clock that is set forward tries again once, and no more', async () => {
  await failOnce(5 * MINUTE)
  wallMs += DAY
  const [claimed] = await store.claim(REQUEST)
  await store.settle([
    { ...claimed!, outcome: { kind: 'retry', afterMs: 5 * MINUTE, error: 'no' }, durationMs: 1 },
  ])
  pass(5 * MINUTE - 1)
  expect(await store.claim(REQUEST)).toHaveLength(0)
})

function open(): SqliteStore {
  return sqlite(join(folder, 'postern.db'), {
    writer: 'inline',
    now: () => wallMs,
    monotonicNow: () => monotonicMs,
  })
}

async function failOnce(afterMs: number): Promise<void> {
  await store.put([anEvent({ destinations: ['one'] })])
  const [claimed] = await store.claim(REQUEST)
  await store.settle([{ ...claimed!, outcome: { kind: 'retry', afterMs, error: 'no' }, durationMs: 1 }])
}

function pass(ms: number): void {
  wallMs += ms
  monotonicMs += ms
}
