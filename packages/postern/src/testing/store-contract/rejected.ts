import assert from 'node:assert/strict'
import type { Reason } from '../../core/index.ts'
import { REJECTED_LOG_ROWS, rejectedBudget } from '../../inbox/index.ts'
import { cases, type ContractCase } from './case.ts'
import { aRequest, bytes, MINUTE, only, plain } from './fixtures.ts'
import type { ContractStore } from './harness.ts'

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
    'how long a body was is kept with the part of it that is': async (store) => {
      const request = aRequest({ reason: 'signature_mismatch', body: bytes('{"tot'), bodyBytes: 5_000_000 })
      await store.rejected.record(request)
      const { body, bodyBytes } = only(await store.rejected.recent(10))
      assert.deepEqual([plain(body), bodyBytes], [plain(request.body), 5_000_000])
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
      await flood(store, 'stale', count)
      const urls = (await store.rejected.recent(2 * count)).map(({ url }) => url)
      assert.equal(urls.length, bound)
      assert.deepEqual([urls[0], urls.at(-1)], [`/${count}`, '/6'])
    },
  }),
  ...cases('rejected/apart', {
    'what is not authentic never makes what is give way': async (store) => {
      await assertApart(store, 'stale', 'signature_mismatch')
    },
    'what is authentic never makes the rest give way': async (store) => {
      await assertApart(store, 'signature_mismatch', 'malformed_body')
    },
    'what carries no signature never makes that give way which carries one': async (store) => {
      await assertApart(store, 'signature_mismatch', 'missing_header')
    },
    'the oldest of its own part makes room for the newest': async (store) => {
      await store.rejected.record(aRequest({ url: '/authentic', body: bytes('authentic') }))
      await flood(store, 'signature_mismatch', REJECTED_LOG_ROWS.plausible + 5)
      const urls = (await store.rejected.recent(10_000)).map(({ url }) => url)
      assert.equal(urls.length, REJECTED_LOG_ROWS.plausible + 1)
      assert.deepEqual(urls.slice(-2), ['/6', '/authentic'])
    },
    'the parts are shown together, the newest first': async (store) => {
      const reasons = ['stale', 'signature_mismatch', 'malformed_body', 'missing_header'] as const
      for (const [index, reason] of reasons.entries()) {
        await store.rejected.record(aRequest({ reason, body: bytes(`${index}`) }))
      }
      const shown = (await store.rejected.recent(3)).map(({ reason }) => reason)
      assert.deepEqual(shown, ['missing_header', 'malformed_body', 'signature_mismatch'])
    },
  }),
]

/** One request of a reason stays, though others of another fill their part. */
async function assertApart(store: ContractStore, kept: Reason, flooding: Reason): Promise<void> {
  await store.rejected.record(aRequest({ reason: kept, url: '/kept', body: bytes('kept') }))
  await flood(store, flooding, REJECTED_LOG_ROWS[rejectedBudget(flooding)] + 5)
  await store.rejected.record(aRequest({ reason: kept, url: '/kept', body: bytes('kept') }))
  const { copies } = only((await store.rejected.recent(10_000)).filter(({ url }) => url === '/kept'))
  assert.equal(copies, 2)
}

/** Records many at once, and the first and the last of them one after another. */
async function flood(store: ContractStore, reason: Reason, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  const record = (number: number): Promise<void> =>
    store.rejected.record(aRequest({ reason, url: `/${number}`, body: bytes(`${number}`) }))
  for (const number of numbers.slice(0, 10)) await record(number)
  await Promise.all(numbers.slice(10, -1).map(record))
  await record(count)
}
