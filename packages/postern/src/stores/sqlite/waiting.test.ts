import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { anEvent } from '../../testing/store-contract/fixtures.ts'
import { sqlite } from './index.ts'

test('a claim that takes nothing of a destination sleeps, though work is due there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-waiting-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const store = sqlite(join(folder, 'postern.db'), { writer: 'inline' })
  onTestFinished(() => store.close())
  await store.put([anEvent({ destinations: ['full'] })])
  const before = (await store.stat()).commits.operations.count
  const destinations = [
    { name: 'full', limit: 0 },
    { name: 'idle', limit: 1 },
  ]
  expect(await store.claim({ destinations, leaseMs: 60_000, waitMs: 200 })).toEqual([])
  // One look before the wait and one after it, and one more where a timer is early; a claim that does not sleep looks each
  // millisecond.
  expect((await store.stat()).commits.operations.count - before).toBeLessThan(10)
})
