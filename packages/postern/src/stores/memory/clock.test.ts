import { expect, onTestFinished, test, vi } from 'vitest'
import { anEvent } from '../../testing/store-contract/fixtures.ts'
import { memory } from './index.ts'

const DAY = 24 * 60 * 60 * 1000
const REQUEST = { destinations: [{ name: 'one', limit: 10 }], leaseMs: 30_000, waitMs: 0 }

test('a wall clock that is set back keeps nothing waiting', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const store = memory()
  await store.put([anEvent({ destinations: ['one'] })])
  vi.setSystemTime(Date.now() - DAY)
  expect(await store.claim(REQUEST)).toHaveLength(1)
  expect((await store.inspect()).clockAheadMs).toBeCloseTo(DAY, -3)
})
