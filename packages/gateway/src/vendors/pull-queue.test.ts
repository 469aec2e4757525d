import { expect, test } from 'vitest'
import { heldBytes } from '../../../../test/support/memory.ts'
import type { ApiClient } from './api-client.ts'
import { Puller, type PullQueue, type QueueMessage } from './pull-queue.ts'

const NEVER = new AbortController().signal
const MESSAGES = 200
const TEXT_BYTES = 256 * 1024

test('of messages without an id that stay at the vendor no text is kept, and each is told of once', async () => {
  let round = 0
  // Made anew each time, as texts from a socket are.
  const page = (): QueueMessage[] =>
    Array.from({ length: MESSAGES }, (_, index) => ({
      id: undefined,
      text: `${index} `.padEnd(TEXT_BYTES, String(round)),
    }))
  const { puller, told } = aPuller(page)
  await puller.drain(NEVER)
  const before = heldBytes()
  round = 1
  expect(await puller.drain(NEVER)).toMatchObject({ skipped: MESSAGES, acknowledged: 0 })
  expect(heldBytes() - before).toBeLessThan((MESSAGES * TEXT_BYTES) / 10)
  expect(told()).toBe(2 * MESSAGES)
  await puller.drain(NEVER)
  expect(told()).toBe(2 * MESSAGES)
})

/** A puller of a queue that has these messages and forgets none. */
function aPuller(page: () => QueueMessage[]): { readonly puller: Puller; readonly told: () => number } {
  let told = 0
  const queue: PullQueue = {
    title: 'a queue',
    origin: 'https://vendor.example',
    keyVariable: 'VENDOR_KEY',
    witness: 'queue',
    everyMs: 1000,
    queueId: 'q-1',
    list: async () => ({ ok: true, value: page() }),
    acknowledge: async () => ({ ok: true, value: 0 }),
  }
  const puller = new Puller({
    queue,
    source: 'shop',
    // The queue asks nobody.
    client: undefined as unknown as ApiClient,
    finishing: undefined as unknown as ApiClient,
    record: () => Promise.reject(new Error('nothing here has an id to be recorded under')),
    log: { debug() {}, info() {}, warn: () => void (told += 1), error() {} },
  })
  return { puller, told: () => told }
}
