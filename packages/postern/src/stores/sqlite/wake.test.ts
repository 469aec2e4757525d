import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Claimed, Outcome } from '../../inbox/index.ts'
import { anEvent, bytes, claimOne, putStored, settle } from '../../testing/store-contract/fixtures.ts'
import { sqlite, type SqliteStore } from './index.ts'

// Every wait looks again after a second; without that timer a claim ends only if it is woken. An ordering key whose events
// are not announced one after another runs one of them in a second.
describe('a claim that waits is woken', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    return () => void vi.useRealTimers()
  })

  test.each<readonly [string, Outcome]>([
    ['has succeeded', { kind: 'succeeded' }],
    ['is dead and blocks nothing', { kind: 'dead', error: 'no use' }],
  ])('when the one before it in line %s', async (_what, outcome) => {
    const store = aStore()
    await putStored(store, anEvent({ id: 'first', orderingKey: 'cart 7', onDead: 'continue' }))
    const first = await claimOne(store)
    await putStored(store, anEvent({ id: 'next', orderingKey: 'cart 7', onDead: 'continue' }))
    const waiting = await aWaitingClaim(store)
    await settle(store, first, outcome)
    expect((await waiting.claim).event.id).toBe('next')
  })

  test('by a conflict that is dispatched', async () => {
    const store = aStore()
    const eventSeq = await putStored(store, anEvent({ destinations: [] }))
    const waiting = await aWaitingClaim(store)
    await store.put([anEvent({ body: bytes('{"total":2}'), onConflict: 'dispatch' })])
    expect((await waiting.claim).event.conflictsWith).toBe(eventSeq)
  })
})

/** A claim that has found nothing and waits now. In an object, since an async function would wait for it. */
async function aWaitingClaim(store: SqliteStore): Promise<{ readonly claim: Promise<Claimed> }> {
  const claim = claimOne(store, { waitMs: 600_000 })
  await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0), { interval: 0 })
  return { claim }
}

function aStore(): SqliteStore {
  const folder = mkdtempSync(join(tmpdir(), 'postern-wake-'))
  const store = sqlite(join(folder, 'postern.db'), { writer: 'inline' })
  onTestFinished(async () => {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return store
}
