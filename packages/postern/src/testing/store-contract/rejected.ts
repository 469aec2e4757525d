import assert from 'node:assert/strict'
import type { Reason } from '../../core/index.ts'
import {
  REJECTED_LOG_ROWS,
  REJECTED_PAGE_BYTES,
  rejectedBudget,
  type RejectedPage,
  type RejectedQuery,
} from '../../inbox/index.ts'
import { cases, type ContractCase } from './case.ts'
import {
  allRejected,
  aRequest,
  bytes,
  MINUTE,
  ODD_TEXTS,
  only,
  plain,
  recent,
  rejectedPages,
} from './fixtures.ts'
import type { ContractStore } from './harness.ts'

export const rejectedCases: readonly ContractCase[] = [
  ...cases('rejected/kept', {
    'a request is kept whole': async (store) => {
      const request = aRequest({ body: Uint8Array.from({ length: 256 }, (_, value) => value) })
      await store.rejected.record(request)
      const { body, receivedMs, rejectedSeq, ...kept } = only(await recent(store, 10))
      const { body: sent, ...expected } = request
      assert.deepEqual(kept, { ...expected, copies: 1 })
      assert.deepEqual(plain(body), plain(sent))
      assert.ok(Number.isSafeInteger(receivedMs), 'receivedMs must be whole milliseconds')
      assert.ok(Number.isSafeInteger(rejectedSeq) && rejectedSeq > 0, 'rejectedSeq must be a number from 1')
    },
    'odd text comes back as it was, wherever it stands': async (store) => {
      for (const text of ODD_TEXTS) {
        const names = { source: text, method: text, url: text, headers: ['x-text', text] }
        await store.rejected.record(aRequest(names))
        const { source, method, url, headers } = only(await recent(store, 1))
        assert.deepEqual({ source, method, url, headers }, names)
      }
    },
    'the newest come first, no more than asked for': async (store, harness) => {
      for (const url of ['/one', '/two', '/three']) {
        await store.rejected.record(aRequest({ url, body: bytes(url) }))
        await harness.advance(MINUTE)
      }
      const urls = (await recent(store, 2)).map(({ url }) => url)
      assert.deepEqual(urls, ['/three', '/two'])
    },
    'how long a body was is kept with the part of it that is': async (store) => {
      const request = aRequest({ reason: 'signature_mismatch', body: bytes('{"tot'), bodyBytes: 5_000_000 })
      await store.rejected.record(request)
      const { body, bodyBytes } = only(await recent(store, 10))
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
      assert.equal(only(await recent(store, 10)).copies, 3)
    },
    'another source, reason or body is another request': async (store) => {
      const different = [
        {},
        { source: 'bank' },
        { reason: 'malformed_body' },
        { body: bytes('other') },
      ] as const
      for (const change of different) await store.rejected.record(aRequest(change))
      const kept = await recent(store, 10)
      assert.deepEqual(
        kept.map(({ copies }) => copies),
        [1, 1, 1, 1],
      )
    },
    'copies at once are counted too': async (store) => {
      await Promise.all(Array.from({ length: 20 }, () => store.rejected.record(aRequest())))
      assert.equal(only(await recent(store, 10)).copies, 20)
    },
  }),
  ...cases('rejected/bounded', {
    'the oldest make room for the newest': async (store) => {
      const bound = REJECTED_LOG_ROWS.authentic
      const count = bound + 5
      await flood(store, 'stale', count)
      const urls = (await allRejected(store)).map(({ url }) => url)
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
      const urls = (await allRejected(store)).map(({ url }) => url)
      assert.equal(urls.length, REJECTED_LOG_ROWS.plausible + 1)
      assert.deepEqual(urls.slice(-2), ['/6', '/authentic'])
    },
    'the parts are shown together, the newest first': async (store) => {
      const reasons = ['stale', 'signature_mismatch', 'malformed_body', 'missing_header'] as const
      for (const [index, reason] of reasons.entries()) {
        await store.rejected.record(aRequest({ reason, body: bytes(`${index}`) }))
      }
      const shown = (await recent(store, 3)).map(({ reason }) => reason)
      assert.deepEqual(shown, ['missing_header', 'malformed_body', 'signature_mismatch'])
    },
  }),
  ...cases('rejected/page', {
    'pages follow one another without a gap or a repetition': async (store) => {
      await recordMany(store, 7)
      const pages = await rejectedPages(store, { limit: 3 })
      assert.deepEqual(urlsOn(pages), [['/7', '/6', '/5'], ['/4', '/3', '/2'], ['/1']])
    },
    'the parts are paged together': async (store) => {
      for (const [index, reason] of EACH_PART.entries())
        await store.rejected.record(aRequest({ reason, url: `/${index}`, body: bytes(`${index}`) }))
      assert.deepEqual(urlsOn(await rejectedPages(store, { limit: 2 })), [
        ['/3', '/2'],
        ['/1', '/0'],
      ])
    },
    'the last page says so, also where it is full': async (store) => {
      await recordMany(store, 2)
      assert.equal((await store.rejected.list({ limit: 2 })).next, undefined)
      assert.deepEqual(await store.rejected.list({ limit: 2, before: 1 }), { requests: [], next: undefined })
    },
    'what comes meanwhile moves no page': async (store) => {
      await recordMany(store, 4)
      const { next = 0 } = await store.rejected.list({ limit: 2 })
      await store.rejected.record(aRequest({ url: '/late', body: bytes('late') }))
      await store.rejected.record(aRequest({ url: '/again', body: bytes('4') }))
      assert.deepEqual(urlsOn([await store.rejected.list({ limit: 2, before: next })]), [['/2', '/1']])
    },
    'a limit that is too small or too large is taken for the nearest that is not': async (store) => {
      await flood(store, 'stale', REJECTED_LOG_ROWS.authentic)
      await recordMany(store, 1, 'signature_mismatch')
      const counts = [0, 5000].map(async (limit) => (await store.rejected.list({ limit })).requests.length)
      assert.deepEqual(await Promise.all(counts), [1, 1000])
    },
    'a page ends before the body that is too much for it': async (store) => {
      const half = REJECTED_PAGE_BYTES / 2
      const sizes = [1, half, half - 2, 2, REJECTED_PAGE_BYTES + 1, 3]
      for (const size of sizes) await store.rejected.record(aRequest({ body: new Uint8Array(size) }))
      const pages = await rejectedPages(store, { limit: 10 })
      assert.deepEqual(
        pages.map(({ requests }) => requests.map(({ body }) => body.byteLength)),
        [[3], [REJECTED_PAGE_BYTES + 1], [2, half - 2, half], [1]],
      )
    },
  }),
  ...cases('rejected/filter', {
    'by source, by reason, and by both': async (store) => {
      for (const source of ['shop', 'bank'])
        for (const reason of EACH_PART) await store.rejected.record(aRequest({ source, reason }))
      const found = async (query: Omit<RejectedQuery, 'limit'>): Promise<readonly string[]> =>
        (await allRejected(store, { ...query, limit: 2 })).map(({ source, reason }) => `${source} ${reason}`)
      assert.deepEqual(
        await found({ source: 'shop' }),
        EACH_PART.toReversed().map((reason) => `shop ${reason}`),
      )
      assert.deepEqual(await found({ reason: 'stale' }), ['bank stale', 'shop stale'])
      assert.deepEqual(await found({ source: 'bank', reason: 'missing_header' }), ['bank missing_header'])
      assert.deepEqual(await found({ source: 'bank', reason: 'future' }), [])
    },
    'what lies before what is wanted hides nothing': async (store) => {
      await store.rejected.record(aRequest({ source: 'bank', url: '/wanted' }))
      await flood(store, 'stale', 150)
      const page = await store.rejected.list({ source: 'bank', limit: 1 })
      assert.deepEqual(urlsOn([page]), [['/wanted']])
      assert.equal(page.next, undefined)
    },
    'whatever the name of a source is made of': async (store) => {
      const names = [...ODD_TEXTS, 'shop', 'shop"', 'shop\\', '"shop', 'Shop', 'sho', ',"stale"]', '']
      for (const source of names) await store.rejected.record(aRequest({ source }))
      for (const source of names)
        assert.equal(only(await allRejected(store, { source, reason: 'stale', limit: 10 })).source, source)
    },
  }),
]

/** A reason of each part of the log, and a second one of what is authentic. */
const EACH_PART = ['stale', 'signature_mismatch', 'malformed_body', 'missing_header'] as const

async function recordMany(store: ContractStore, count: number, reason: Reason = 'stale'): Promise<void> {
  for (let number = 1; number <= count; number += 1)
    await store.rejected.record(aRequest({ reason, url: `/${number}`, body: bytes(`${number}`) }))
}

function urlsOn(pages: readonly RejectedPage[]): readonly (readonly string[])[] {
  return pages.map(({ requests }) => requests.map(({ url }) => url))
}

/** One request of a reason stays, though others of another fill their part. */
async function assertApart(store: ContractStore, kept: Reason, flooding: Reason): Promise<void> {
  await store.rejected.record(aRequest({ reason: kept, url: '/kept', body: bytes('kept') }))
  await flood(store, flooding, REJECTED_LOG_ROWS[rejectedBudget(flooding)] + 5)
  await store.rejected.record(aRequest({ reason: kept, url: '/kept', body: bytes('kept') }))
  const { copies } = only((await allRejected(store)).filter(({ url }) => url === '/kept'))
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
