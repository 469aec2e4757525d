/**
 * Every defect of the seeds' template that can recur over HTTP, with the input that showed it: rows B1 to B37 of
 * `vendors.md` §4.2, and the six real deliveries of §4.3. Each runs on `node:http`, on Express, and on Express behind
 * `express.raw({ type: 'application/json' })`, which is how the seeds write it.
 *
 * Rows that are no test here, since nothing over HTTP could show them again:
 *
 * - B34 (the skill lets an agent post payloads to a public bin): a line of the skill's front matter, not of a receiver.
 * - B36 in part (`Record<string, any>`, `as string`): types, which the compiler's settings forbid. Its run-time part,
 *   a `created` that nobody checks, is below.
 */
import { gzipSync } from 'node:zlib'
import { coreweave, custom, vastai } from 'postern/providers'
import { describe, expect, test, vi } from 'vitest'
import {
  expectDuplicate,
  expectExactly,
  expectMalformed,
  expectNoInsides,
  expectNotAuthentic,
  expectReceived,
  expectStillServing,
  expectUnavailable,
  keptRejections,
  storedIds,
} from '../support/expectations.ts'
import { gate, replacing, startInbox, type Skin } from '../support/inbox.ts'
import { opensslHmac } from '../support/openssl.ts'
import { RawConnection } from '../support/raw-client.ts'
import {
  adding,
  ANIMA_LABS_SAMPLE,
  animaLabsRequest,
  changing,
  head,
  headerOf,
  NOW_MS,
  NOW_SECONDS,
  SECRET,
  seedBody,
  seedEvent,
  seedRequest,
  tampered,
  VAST_SAMPLE,
  vastRequest,
  without,
  type Outgoing,
} from '../support/requests.ts'

const SKINS: readonly Skin[] = [
  'node:http',
  'Express',
  'Express behind raw()',
  'Express 4',
  'Express 4 behind raw()',
]

/** The seeds' own test `curl`. */
const UNSIGNED_CURL: Outgoing = {
  method: 'POST',
  path: '/webhooks/vastai',
  headers: [
    ['User-Agent', 'curl/7.88.1'],
    ['Accept', '*/*'],
    ['Content-Type', 'application/json'],
  ],
  body: Buffer.from('{"type":"test","data":{}}'),
}

describe.each(SKINS)('on %s', (skin) => {
  describe('what is not authentic', () => {
    test('B1: a request without a signature header is answered 401, and the next good one is served', async () => {
      const inbox = await startInbox({ skin })
      expectNotAuthentic(await inbox.send(without(seedEvent('evt_1'), 'x-vastai-signature')))
      await expectStillServing(inbox, [])
    })

    test("B2: the seeds' own unsigned curl is answered 401", async () => {
      const inbox = await startInbox({ skin })
      expectNotAuthentic(await inbox.send(UNSIGNED_CURL))
      await expectStillServing(inbox, [])
    })

    test.each([
      ['the text x', (): string => 'x'],
      ['sha256= in front of the right hexadecimal', (hex: string): string => `sha256=${hex}`],
      ['64 characters with one beyond ASCII', (hex: string): string => `é${hex.slice(1)}`],
      ['an empty text', (): string => ''],
      ['the right hexadecimal less its last digit', (hex: string): string => hex.slice(0, -1)],
      ['the right hexadecimal and one byte more', (hex: string): string => `${hex}00`],
    ])('B3: a signature that is %s is answered 401', async (_what, change) => {
      const inbox = await startInbox({ skin })
      expectNotAuthentic(await inbox.send(changing(seedEvent('evt_1'), 'x-vastai-signature', change)))
      await expectStillServing(inbox, [])
    })

    test('B3: a signature header that comes twice is answered 401, although both are right', async () => {
      const inbox = await startInbox({ skin })
      const request = seedEvent('evt_1')
      const twice = adding(request, 'X-Vastai-Signature', headerOf(request, 'x-vastai-signature'))
      expectNotAuthentic(await inbox.send(twice))
      await expectStillServing(inbox, [])
    })

    test('B4: a request without headers does not harm a slow valid one that is being received', async () => {
      const inbox = await startInbox({ skin })
      const slow = seedEvent('evt_slow')
      const connection = await RawConnection.open(inbox.port)
      const length = [['Content-Length', String(slow.body.byteLength)]] as const
      await connection.send(Buffer.concat([head(slow, length), slow.body.subarray(0, 20)]))
      expectNotAuthentic(await inbox.send({ ...UNSIGNED_CURL, headers: [] }))
      await connection.send(slow.body.subarray(20))
      expectReceived(await connection.answer())
      connection.close()
      expect(await storedIds(inbox)).toEqual(['evt_slow'])
    })

    test.each([
      ['empty', ''],
      ['of spaces', '   '],
    ])('B5: with a secret that is %s nobody can sign: 503, and nothing is stored', async (_what, secret) => {
      const inbox = await startInbox({ skin, sources: { vastai: vastai({ secret }) } })
      expectUnavailable(await inbox.send(seedEvent('evt_forged', {}, { secret })))
      expectUnavailable(await inbox.send(seedEvent('evt_forged', {}, { secret: '' })))
      expect(await storedIds(inbox)).toEqual([])
    })

    test('B6: without a secret the process lives, says so at the start, and answers 503', async () => {
      const inbox = await startInbox({
        skin,
        sources: { vastai: vastai(), coreweave: coreweave({ secret: SECRET }) },
      })
      expect(inbox.logs.map(({ message }) => message)).toEqual([
        expect.stringContaining('sources.vastai: no signing secret'),
      ])
      expectUnavailable(await inbox.send(seedEvent('evt_1', {}, { secret: 'undefined' })))
      expectReceived(await inbox.send(seedEvent('evt_2', {}, { vendor: 'coreweave' })))
      expect(await storedIds(inbox)).toEqual(['evt_2'])
    })

    test.each([
      ['B7', 'letters', 'abc'],
      ['B11', 'an ISO date where the scheme has seconds', new Date(NOW_MS).toISOString()],
      ['B12', 'the right seconds with junk behind them', `${NOW_SECONDS}junk`],
      ['B7', 'a fraction', `${NOW_SECONDS}.5`],
      ['B7', 'hexadecimal', `0x${NOW_SECONDS.toString(16)}`],
      ['B7', 'a sign in front', `+${NOW_SECONDS}`],
      ['B7', 'an exponent', `${NOW_SECONDS / 10}e1`],
      ['B7', 'Infinity', 'Infinity'],
      ['B7', '400 digits', '9'.repeat(400)],
    ])('%s: a validly signed timestamp of %s is answered 401', async (_row, _what, timestamp) => {
      const inbox = await startInbox({ skin })
      expectNotAuthentic(await inbox.send(seedEvent('evt_1', {}, { timestamp })))
      expect(await keptRejections(inbox)).toEqual([])
      await expectStillServing(inbox, [])
    })

    test('B8: a missing timestamp, signed as the text undefined, is answered 401', async () => {
      const inbox = await startInbox({ skin })
      const signed = seedEvent('evt_1', {}, { timestamp: 'undefined' })
      expectNotAuthentic(await inbox.send(without(signed, 'x-vastai-timestamp')))
      await expectStillServing(inbox, [])
    })

    test.each([
      ['B9', 'ten years ahead', String(NOW_SECONDS + 10 * 365 * 86_400), 'future'],
      ['B9', '301 s ahead', String(NOW_SECONDS + 301), 'future'],
      ['B10', 'a year old, in milliseconds', String(NOW_MS - 365 * 86_400_000), 'future'],
      ['B27', '301 s old', String(NOW_SECONDS - 301), 'stale'],
    ])('%s: authentic, but %s: 401, kept, not stored', async (_row, _what, timestamp, reason) => {
      const inbox = await startInbox({ skin })
      expectNotAuthentic(await inbox.send(seedEvent('evt_1', {}, { timestamp })))
      expect(await keptRejections(inbox)).toEqual([{ reason, body: seedBody('evt_1') }])
      await expectStillServing(inbox, [])
    })

    test('B14: one byte changed from 0xFF to 0xFE under the same signature is answered 401', async () => {
      const inbox = await startInbox({ skin })
      const signed = seedRequest(
        Buffer.from('{"id":"evt_1","type":"resource.created","data":"\xFF"}', 'latin1'),
      )
      const at = signed.body.indexOf(0xff)
      expectNotAuthentic(await inbox.send(tampered(signed, (body) => body.fill(0xfe, at, at + 1))))
      await expectStillServing(inbox, [])
    })
  })

  describe('what is authentic', () => {
    test('B11: the ISO time that Anima Labs really sends is read', async () => {
      const inbox = await startInbox({ skin })
      expectReceived(await inbox.send(animaLabsRequest(ANIMA_LABS_SAMPLE, 'dlv_1')))
      expect(await storedIds(inbox)).toEqual(['dlv_1'])
    })

    test('B13: a body with the byte 0xFF, signed as it is, is stored as it is', async () => {
      const inbox = await startInbox({ skin })
      const body = Buffer.from('{"id":"evt_1","type":"resource.created","data":"\xFF"}', 'latin1')
      expectReceived(await inbox.send(seedRequest(body)))
      const [event] = await inbox.events()
      const detail = await inbox.store.get(event?.eventSeq ?? -1)
      expect(Buffer.from(detail?.event.body ?? []).equals(body)).toBe(true)
    })

    test('B15: a signature in upper case is accepted, and is the same event as in lower case', async () => {
      const inbox = await startInbox({ skin })
      const request = seedEvent('evt_1')
      expectReceived(await inbox.send(changing(request, 'x-vastai-signature', (hex) => hex.toUpperCase())))
      expectDuplicate(await inbox.send(request))
      expect(await storedIds(inbox)).toEqual(['evt_1'])
    })

    test.each(['text/plain', 'application/octet-stream', 'application/cloudevents+json'])(
      'B16: content type %s does not matter',
      async (contentType) => {
        const inbox = await startInbox({ skin })
        expectReceived(await inbox.send(seedEvent('evt_1', {}, { contentType })))
        expect(await storedIds(inbox)).toEqual(['evt_1'])
      },
    )

    test('B16: no content type does not matter either', async () => {
      const inbox = await startInbox({ skin })
      expectReceived(await inbox.send(without(seedEvent('evt_1'), 'content-type')))
      expect(await storedIds(inbox)).toEqual(['evt_1'])
    })

    test('B19: a gzip body signed over the bytes sent is authentic but unreadable: 400, kept; behind raw(), which has inflated it, 503', async () => {
      const inbox = await startInbox({ skin })
      const zipped = gzipSync(seedBody('evt_1'))
      const answer = await inbox.send(adding(seedRequest(zipped), 'Content-Encoding', 'gzip'))
      if (skin.endsWith('behind raw()')) expectUnavailable(answer)
      else expectMalformed(answer)
      const kept = [{ reason: 'malformed_body', body: zipped.toString('latin1') }]
      expect(await keptRejections(inbox)).toEqual(skin.endsWith('behind raw()') ? [] : kept)
      await expectStillServing(inbox, [])
    })

    test('B19: a gzip body signed over what it inflates to is never accepted', async () => {
      const inbox = await startInbox({ skin })
      const signed = seedEvent('evt_1')
      const answer = await inbox.send(
        adding({ ...signed, body: gzipSync(signed.body) }, 'Content-Encoding', 'gzip'),
      )
      if (skin.endsWith('behind raw()')) expectUnavailable(answer)
      else expectNotAuthentic(answer)
      await expectStillServing(inbox, [])
    })

    test.each([
      ['B20', 'malformed JSON', '{"id":"evt_1","type":'],
      ['B20', "the trailing comma of Cast AI's own template", '{"id":"evt_1","type":"x",}'],
      ['B21', 'null', 'null'],
      ['B21', 'a number', '7'],
      ['B21', 'a text', '"evt_1"'],
    ])('%s: a signed body that is %s is answered 400 and kept whole', async (_row, _what, body) => {
      const inbox = await startInbox({ skin })
      expectMalformed(await inbox.send(seedRequest(body)))
      expect(await keptRejections(inbox)).toEqual([{ reason: 'malformed_body', body }])
      await expectStillServing(inbox, [])
    })

    test.each([
      ['B22', '__proto__'],
      ['B23', 'constructor'],
      ['B23', 'toString'],
      ['B37', 'low_credit'],
      ['B37', 'a type nobody has heard of'],
    ])('%s: the type %s, which no handler is for, is stored with no delivery', async (_row, type) => {
      const inbox = await startInbox({ skin })
      expectReceived(await inbox.send(seedEvent('evt_1', { type })))
      expect(await inbox.postern.drain()).toBe(0)
      const [event] = await inbox.events()
      expect(event).toMatchObject({ id: 'evt_1', type })
      expect((await inbox.store.list({ of: 'deliveries', limit: 10 })).deliveries).toEqual([])
      expect(inbox.handled).toEqual([])
    })

    test('B30: bodies without an id are one event for each body', async () => {
      const inbox = await startInbox({ skin })
      const first = seedRequest('{"type":"resource.created","data":{}}')
      const second = seedRequest('{"type":"resource.created","data":{"n":2}}')
      expectReceived(await inbox.send(first))
      expectReceived(await inbox.send(second))
      expectDuplicate(await inbox.send(first))
      expect(await storedIds(inbox)).toEqual([
        expect.stringMatching(/^sha256:/),
        expect.stringMatching(/^sha256:/),
      ])
      expect(await inbox.postern.drain()).toBe(2)
    })

    test.each(['not a date', 12, null, {}, '2026-02-30T00:00:00Z'])(
      'B36: a `created` of %j is no time, and no reason to lose the event',
      async (created) => {
        const inbox = await startInbox({ skin })
        expectReceived(await inbox.send(seedEvent('evt_1', { created })))
        expect(await inbox.events()).toEqual([expect.objectContaining({ id: 'evt_1', createdMs: undefined })])
      },
    )

    test('B35: during a rotation both secrets are accepted, and a third is not', async () => {
      const sources = { vastai: vastai({ secret: ['the-new-secret-of-today', SECRET] }) }
      const inbox = await startInbox({ skin, sources })
      expectReceived(await inbox.send(seedEvent('evt_old')))
      expectReceived(await inbox.send(seedEvent('evt_new', {}, { secret: 'the-new-secret-of-today' })))
      expectNotAuthentic(await inbox.send(seedEvent('evt_third', {}, { secret: 'the-secret-of-last-year' })))
      expect(await storedIds(inbox)).toEqual(['evt_old', 'evt_new'])
    })
  })

  describe('duplicates', () => {
    test('B26: the same event twice is one event and one effect', async () => {
      const inbox = await startInbox({ skin })
      expectReceived(await inbox.send(seedEvent('evt_1')))
      expectDuplicate(await inbox.send(seedEvent('evt_1')))
      await inbox.postern.drain()
      expect(await storedIds(inbox)).toEqual(['evt_1'])
      expect(inbox.handled).toEqual(['evt_1'])
    })

    test('B27: one captured request replayed 50 times is one event and one effect', async () => {
      const inbox = await startInbox({ skin })
      const captured = seedEvent('evt_1')
      expectReceived(await inbox.send(captured))
      for (let replay = 0; replay < 50; replay += 1) expectDuplicate(await inbox.send(captured))
      await inbox.postern.drain()
      expect(await storedIds(inbox)).toEqual(['evt_1'])
      expect(inbox.handled).toEqual(['evt_1'])
    })

    test('B28: 20 copies at once are one event and one effect', async () => {
      const inbox = await startInbox({ skin })
      const request = seedEvent('evt_1')
      const answers = await Promise.all(Array.from({ length: 20 }, () => inbox.send(request)))
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
      expect(answers.filter(({ body }) => body === '{"received":true}')).toHaveLength(1)
      await inbox.postern.drain()
      expect(await storedIds(inbox)).toEqual(['evt_1'])
      expect(inbox.handled).toEqual(['evt_1'])
    })
  })

  describe('handlers', () => {
    test('B24: a handler that rejects costs a retry: 200 at once, done at the second attempt', async () => {
      const attempts: number[] = []
      const handler = async (_event: unknown, { attempt }: { readonly attempt: number }): Promise<void> => {
        attempts.push(attempt)
        if (attempt === 1) throw new Error('the upstream is down')
      }
      const inbox = await startInbox({ skin, handler })
      expectReceived(await inbox.send(seedEvent('evt_1')))
      await inbox.postern.drain()
      expect(attempts).toEqual([1, 2])
      expect((await inbox.store.list({ of: 'deliveries', limit: 10 })).deliveries).toMatchObject([
        { state: 'succeeded' },
      ])
      await expectStillServing(inbox, ['evt_1'])
    })

    test('B25: a handler slower than any sender waits does not hold the answer back, and a retry meanwhile runs nothing twice', async () => {
      const slow = gate()
      const started = gate()
      const handler = (): Promise<void> => {
        started.open()
        return slow.opened
      }
      const inbox = await startInbox({ skin, handler })
      await inbox.postern.start()
      expectReceived(await inbox.send(seedEvent('evt_1')))
      await started.opened
      expectDuplicate(await inbox.send(seedEvent('evt_1')))
      slow.open()
      await inbox.postern.drain()
      expect(inbox.handled).toEqual(['evt_1'])
    })

    test('B29: an event whose first attempt failed is not lost when the sender, told 200, sends a copy', async () => {
      let isDown = true
      const handler = (): void => {
        if (isDown) throw new Error('the upstream is down')
      }
      const inbox = await startInbox({ skin, handler, retry: { attempts: 1 } })
      expectReceived(await inbox.send(seedEvent('evt_1')))
      await inbox.postern.drain()
      isDown = false
      expectDuplicate(await inbox.send(seedEvent('evt_1')))
      const [dead] = (await inbox.store.list({ of: 'deliveries', state: 'dead', limit: 10 })).deliveries
      await inbox.store.move([{ deliverySeq: dead?.deliverySeq ?? -1, to: 'redrive' }])
      await inbox.postern.drain()
      expect(inbox.handled).toEqual(['evt_1', 'evt_1'])
      expect((await inbox.store.list({ of: 'deliveries', limit: 10 })).deliveries).toMatchObject([
        { state: 'succeeded' },
      ])
    })
  })

  describe('our own faults', () => {
    test('B17: a body that a JSON parser has taken apart is our fault: 503, never 401', async () => {
      const inbox = await startInbox({ skin: 'Express behind json()' })
      expectUnavailable(await inbox.send(seedEvent('evt_1')))
      expectReceived(await inbox.send(seedEvent('evt_2', {}, { contentType: 'text/plain' })))
      expect(await storedIds(inbox)).toEqual(['evt_2'])
    })

    test('B18: a signed body of 101 KiB is received; behind raw() with its default limit Express itself refuses it', async () => {
      const inbox = await startInbox({ skin })
      const answer = await inbox.send(seedEvent('evt_1', { data: 'x'.repeat(101 * 1024) }))
      // What stands in front of the mount answers by itself: its limit has to be raised where it is written.
      if (skin.endsWith('behind raw()')) expect(answer.status).toBe(413)
      else expectReceived(answer)
      await expectStillServing(inbox, skin.endsWith('behind raw()') ? [] : ['evt_1'])
    })

    test('B31: a store that is down is answered 503 at once, and in one line of the log, not twenty-one', async () => {
      let isDown = true
      const inbox = await startInbox({
        skin,
        isQuiet: false,
        wrap: (store) =>
          replacing(store, {
            put: (events) => (isDown ? Promise.reject(new Error('ECONNREFUSED')) : store.put(events)),
          }),
      })
      expectUnavailable(await inbox.send(seedEvent('evt_1')))
      expectUnavailable(await inbox.send(seedEvent('evt_1')))
      expect(inbox.logs.filter(({ level }) => level === 'error')).toHaveLength(1)
      isDown = false
      expectReceived(await inbox.send(seedEvent('evt_1')))
      expect(await storedIds(inbox)).toEqual(['evt_1'])
    })

    test('B32: a type with a line break forges no line in the log', async () => {
      const lines: string[] = []
      const write = (...parts: unknown[]): void => void lines.push(parts.map(String).join(' '))
      vi.spyOn(console, 'log').mockImplementation(write)
      vi.spyOn(console, 'warn').mockImplementation(write)
      vi.spyOn(console, 'error').mockImplementation(write)
      const type = 'x\n{"level":"info","message":"forged"}'
      const log = { debug: write, info: write, warn: write, error: write }
      const inbox = await startInbox({ skin, log })
      expectReceived(await inbox.send(seedEvent('evt_1', { type })))
      expectNotAuthentic(
        await inbox.send(tampered(seedEvent('evt_2', { type }), (body) => body.fill(0x20, 0, 1))),
      )
      await inbox.postern.drain()
      vi.restoreAllMocks()
      expect(lines.filter((line) => line.includes('forged'))).toEqual([])
      expect(await inbox.events()).toEqual([expect.objectContaining({ type })])
    })

    test('B33: no answer shows a stack, a file name or a page of HTML', async () => {
      const wrap: Parameters<typeof startInbox>[0] = {
        skin,
        isQuiet: false,
        sources: { vastai: vastai({ secret: SECRET }), coreweave: coreweave() },
        wrap: (store) =>
          replacing(store, {
            put: () => {
              throw new TypeError('a bug of ours')
            },
          }),
      }
      const inbox = await startInbox(wrap)
      const answers = [
        await inbox.send(UNSIGNED_CURL),
        await inbox.send(seedEvent('evt_1')),
        await inbox.send(seedRequest('{')),
        await inbox.send(seedEvent('evt_1', {}, { vendor: 'coreweave' })),
      ]
      expect(answers.map(({ status }) => status)).toEqual([401, 503, 400, 503])
      answers.forEach(expectNoInsides)
    })
  })

  describe('real deliveries (§4.3)', () => {
    test('Vast.ai, its genuine headers: stored under its event_id', async () => {
      const inbox = await startInbox({ skin })
      expectReceived(await inbox.send(vastRequest(VAST_SAMPLE)))
      expect(await inbox.events()).toEqual([
        expect.objectContaining({
          source: 'vastai',
          id: '7e9a2c4e6f9e4a24a53b77c2d8e3f0aa',
          type: 'low_credit',
          createdMs: 1_772_490_000_123,
          verifiedBy: 'vast-signature-256',
        }),
      ])
    })

    test('Anima Labs, `v1=` and an ISO time: stored under its delivery id', async () => {
      const inbox = await startInbox({ skin })
      expectReceived(await inbox.send(animaLabsRequest(ANIMA_LABS_SAMPLE, 'dlv_1')))
      expect(await inbox.events()).toEqual([
        expect.objectContaining({
          source: 'anima',
          id: 'dlv_1',
          type: 'message.received',
          createdMs: NOW_MS - 500,
        }),
      ])
    })

    test.each([
      ['no content type configured', []],
      [
        'JSON and a static header',
        [
          ['Content-Type', 'application/json'],
          ['X-Api-Key', 'a-shared-key'],
        ] as const,
      ],
    ])('Cast AI, %s: it signs nothing, so it is 401 and nothing is stored', async (_what, headers) => {
      const inbox = await startInbox({ skin })
      const body =
        '{"id":"5e1f","type":"castai.notification","severity":"Critical","name":"Node deletion failed"}'
      const request = { method: 'POST', path: '/webhooks/castai', headers, body: Buffer.from(body) }
      expectNotAuthentic(await inbox.send(request))
      await expectStillServing(inbox, [])
    })

    test('W&B on the source coreweave: another scheme, 401', async () => {
      const inbox = await startInbox({ skin })
      expectNotAuthentic(await inbox.send(wandbRequest('coreweave')))
      await expectStillServing(inbox, [])
    })

    test('W&B on a custom source for its scheme: stored under a digest, and a retry is a duplicate', async () => {
      const wandb = custom({
        secret: SECRET,
        scheme: {
          algorithm: 'hmac-sha256',
          key: { as: 'utf8' },
          signature: { in: [{ header: 'x-wandb-signature' }], encoding: 'hex' },
          content: ['body'],
        },
        envelope: { id: [], type: { json: ['event_type'] } },
      })
      const inbox = await startInbox({ skin, sources: { wandb } })
      expectReceived(await inbox.send(wandbRequest('wandb')))
      expectDuplicate(await inbox.send(wandbRequest('wandb')))
      expect(await inbox.events()).toEqual([expect.objectContaining({ type: 'LINK_ARTIFACT' })])
    })

    test('Figma PING on the source anima: not signed, 401', async () => {
      const inbox = await startInbox({ skin })
      const body =
        '{"event_type":"PING","passcode":"secretpasscode","timestamp":"2020-02-23T20:27:16Z","webhook_id":"22"}'
      const headers = [['Content-Type', 'application/json']] as const
      expectNotAuthentic(
        await inbox.send({ method: 'POST', path: '/webhooks/anima', headers, body: Buffer.from(body) }),
      )
      await expectStillServing(inbox, [])
    })
  })

  test('a body over the limit, an unknown source and another method have answers of their own', async () => {
    const inbox = await startInbox({ skin: skin.endsWith('behind raw()') ? 'Express' : skin })
    expectExactly(
      await inbox.send(seedEvent('evt_1', { data: 'x'.repeat(1024 * 1024) })),
      413,
      '{"error":"Body too large"}',
    )
    expectExactly(
      await inbox.send({ ...seedEvent('evt_1'), path: '/webhooks/other' }),
      404,
      '{"error":"Unknown source"}',
    )
    const got = await inbox.send({ ...seedEvent('evt_1'), method: 'GET' })
    expectExactly(got, 405, '{"error":"Method not allowed"}')
    expect(got.headers.get('allow')).toBe('POST')
    await expectStillServing(inbox, [])
  })
})

/** A W&B automation as its documentation has it: HMAC-SHA256 over the body, no time, no id. */
function wandbRequest(source: string): Outgoing {
  const body = '{"event_type":"LINK_ARTIFACT","artifact_version_string":"ada/models/m:v3","project_name":"p"}'
  return {
    method: 'POST',
    path: `/webhooks/${source}`,
    headers: [
      ['Content-Type', 'application/json'],
      ['Authorization', 'Bearer a-token'],
      ['X-Wandb-Signature', opensslHmac(SECRET, body)],
    ],
    body: Buffer.from(body),
  }
}
