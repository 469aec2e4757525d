import assert from 'node:assert/strict'
import { REJECTED_LOG_ROWS, type RejectedRequest } from '../../inbox/index.ts'
import { cases, type ContractCase } from './case.ts'
import { bytes, MINUTE, only, plain } from './fixtures.ts'

export const rejectedCases: readonly ContractCase[] = [
  ...cases('rejected/kept', {
    'a request is kept whole': async (store) => {
      const request = aRequest({ body: Uint8Array.from({ length: 256 }, (_, value) => value) })
      await store.rejected.record(request)
      const { body, receivedMs, ...kept } = only(await store.rejected.recent(10))
      const { body: sent, ...expected } = request
      assert.deepEqual(kept, { ...expected, copies: 1 })
      assert.deepEqual(plain(body), plain(sent))
      assert.ok(Number.isSafeInteger(receivedMs), 'receivedMs must be whole milliseconds')
    },
    'the newest come first, no more than asked for': async (store, harness) => {
      for (const url of ['/one', '/two', '/three']) {
        await store.rejected.record(aRequest({ url, body: bytes(url) }))
        await harness.advance(MINUTE)
      }
      const urls = (await store.rejected.recent(2)).map(({ url }) => url)
      assert.deepEqual(urls, ['/three', '/two'])
    },
    'it is no event': async (store) => {
      await store.rejected.record(aRequest())
      const { events, destinations } = await store.stat()
      assert.deepEqual([events, destinations], [0, []])
    },
  }),
  ...cases('rejected/once', {
    'of identical requests one is kept, and the copies are counted': async (store, harness) => {
      for (const url of ['/first', '/second', '/third']) {
        await store.rejected.record(aRequest({ url }))
        await harness.advance(MINUTE)
      }
      assert.equal(only(await store.rejected.recent(10)).copies, 3)
    },
    'another source, reason or body is another request': async (store) => {
      const different = [
        {},
        { source: 'bank' },
        { reason: 'malformed_body' },
        { body: bytes('other') },
      ] as const
      for (const change of different) await store.rejected.record(aRequest(change))
      const kept = await store.rejected.recent(10)
      assert.deepEqual(
        kept.map(({ copies }) => copies),
        [1, 1, 1, 1],
      )
    },
    'copies at once are counted too': async (store) => {
      await Promise.all(Array.from({ length: 20 }, () => store.rejected.record(aRequest())))
      assert.equal(only(await store.rejected.recent(10)).copies, 20)
    },
  }),
  ...cases('rejected/bounded', {
    'the oldest make room for the newest': async (store) => {
      const bound = REJECTED_LOG_ROWS.authentic
      const count = bound + 5
      for (let number = 1; number <= count; number += 1) {
        await store.rejected.record(aRequest({ url: `/${number}`, body: bytes(`${number}`) }))
      }
      const urls = (await store.rejected.recent(2 * count)).map(({ url }) => url)
      assert.equal(urls.length, bound)
      assert.deepEqual([urls[0], urls.at(-1)], [`/${count}`, '/6'])
    },
  }),
]

function aRequest(change: Partial<RejectedRequest> = {}): RejectedRequest {
  const { body = bytes('{"total":1}') } = change
  return {
    source: 'shop',
    reason: 'stale',
    method: 'POST',
    url: '/webhooks/shop',
    headers: ['x-signature', 'sha256=00'],
    body,
    bodyBytes: body.byteLength,
    ...change,
  }
}
