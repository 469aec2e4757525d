import { sign, verify } from 'postern'
import { castaiNotifications, figma, standardWebhooks } from 'postern/providers'
import { describe, expect, test } from 'vitest'
import { SOURCE_SECRET, until } from '../../../../../test/support/forwarding.ts'
import { operated, type Operated } from '../../../../../test/support/operated.ts'
import { readCaptured } from '../explain/captured-request.ts'

const MINUTE = 60_000
const shop = standardWebhooks({ secret: SOURCE_SECRET })

interface Listed {
  readonly rejected: readonly Readonly<Record<string, unknown>>[]
}

async function send(
  { postern }: Operated,
  source: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  query = '',
): Promise<number> {
  const bytes = Buffer.from(body)
  const url = `http://inbox/webhooks/${source}${query}`
  const type = { 'content-type': 'application/json' }
  const request = new Request(url, { method: 'POST', body: bytes, headers: { ...type, ...headers } })
  return (await postern.fetch(request)).status
}

function signedAt(nowMs: number, body: string | Uint8Array): Record<string, string> {
  return sign(shop, { body: Buffer.from(body), nowMs, id: `msg_${nowMs}` })
}

/** What is not authentic is recorded after its answer. */
async function recorded(gateway: Operated, count: number): Promise<Listed['rejected']> {
  const list = async (): Promise<Listed['rejected']> =>
    ((await gateway.ask('/api/rejected')).json as Listed).rejected
  await until(async () => (await list()).length === count)
  return list()
}

describe('requests that were refused', () => {
  test('are listed newest first, with why and how often', async () => {
    const gateway = await operated()
    expect((await gateway.cli('rejected')).out).toBe(
      'NUMBER  TIME  SOURCE  REASON  COPIES  BYTES  METHOD  URL\n',
    )
    expect(await send(gateway, 'shop', '{"n":1}', signedAt(Date.now() - 10 * MINUTE, '{"n":1}'))).toBe(401)
    await send(gateway, 'shop', '{"n":2}')
    await send(gateway, 'shop', '{"n":2}')
    await send(gateway, 'shop', '{"n":3}', signedAt(Date.now(), 'another'), '?a=b')
    await recorded(gateway, 3)
    const { code, out } = await gateway.cli('rejected')
    expect([code, out.split('\n')]).toEqual([
      0,
      [
        expect.stringMatching(/^NUMBER +TIME +SOURCE +REASON +COPIES +BYTES +METHOD +URL$/),
        expect.stringMatching(
          /^3 +20\d\d-\S+Z +shop +signature_mismatch +1 +7 +POST +http:\/\/inbox\/webhooks\/shop\?a=b$/,
        ),
        expect.stringMatching(
          /^2 +20\d\d-\S+Z +shop +missing_header +2 +7 +POST +http:\/\/inbox\/webhooks\/shop$/,
        ),
        expect.stringMatching(/^1 +20\d\d-\S+Z +shop +stale +1 +7 +POST +http:\/\/inbox\/webhooks\/shop$/),
        '',
      ],
    ])
  })

  test('move no cursor', async () => {
    const { store, cli } = await operated()
    await store.rejected.record({
      source: 'shop',
      reason: 'missing_header',
      method: 'POST',
      url: '/\u001b[2J\u202e',
      headers: [],
      body: new Uint8Array(),
      bodyBytes: 0,
    })
    expect((await cli('rejected')).out).toContain('/\\u{1b}[2J\\u{202e}\n')
  })

  test('are narrowed by source and reason, whatever lies before them, and cut by a limit', async () => {
    const gateway = await operated({ sources: { other: shop } })
    await send(gateway, 'shop', '{"n":1}', signedAt(Date.now() - 10 * MINUTE, '{"n":1}'))
    for (const n of [2, 3, 4]) await send(gateway, 'other', `{"n":${n}}`)
    await recorded(gateway, 4)
    const bodies = async (...flags: readonly string[]): Promise<readonly unknown[]> =>
      (JSON.parse((await gateway.cli('rejected', '--json', ...flags)).out) as Listed).rejected.map(
        ({ body }) => body,
      )
    expect(await bodies('--limit', '1')).toEqual(['{"n":4}'])
    expect(await bodies('--source', 'shop', '--limit', '1')).toEqual(['{"n":1}'])
    expect(await bodies('--reason', 'stale', '--limit', '1')).toEqual(['{"n":1}'])
    expect(await bodies('--reason', 'stale', '--source', 'other')).toEqual([])
    expect(await gateway.cli('rejected', '--reason', 'old')).toMatchObject({
      code: 1,
      err: expect.stringContaining('reason must be one of body_already_parsed, '),
    })
  })

  test('have their exact bytes, as text where that is the same, and are read by explain as they are', async () => {
    const gateway = await operated()
    const then = Date.now() - 10 * MINUTE
    const bytes = Buffer.from([0x7b, 0xff, 0x7d])
    for (const body of ['\ufeff{"é":1}\r\n', bytes]) await send(gateway, 'shop', body, signedAt(then, body))
    const [binary, text] = await recorded(gateway, 2)
    expect(text).toMatchObject({ body: '\ufeff{"é":1}\r\n', bodyBytes: 13, method: 'POST', copies: 1 })
    expect(binary).toMatchObject({ bodyBase64: bytes.toString('base64'), bodyBytes: 3 })
    expect(binary).not.toHaveProperty('body')
    for (const each of [text, binary]) {
      const { receivedMs = 0, ...request } = readCaptured(Buffer.from(JSON.stringify(each)))
      expect(await verify(request, shop, { now: () => receivedMs })).toMatchObject({ reason: 'stale' })
      // Authentic at the time that it was signed: nothing of it is lost.
      expect(await verify(request, shop, { now: () => then })).toMatchObject({
        ...(each === text && { ok: true }),
      })
    }
  })

  test('are paged, under a filter too', async () => {
    const gateway = await operated({ sources: { other: shop } })
    for (const n of [1, 2, 3, 4, 5]) await send(gateway, n === 4 ? 'other' : 'shop', `{"n":${n}}`)
    await recorded(gateway, 5)
    const page = async (...flags: readonly string[]): Promise<readonly [readonly string[], string]> => {
      const { out, err } = await gateway.cli('rejected', '--source', 'shop', '--limit', '2', ...flags)
      return [
        out
          .split('\n')
          .slice(1, -1)
          .map((row) => row.split(' ')[0] ?? ''),
        err,
      ]
    }
    expect(await page()).toEqual([['5', '3'], 'older ones: --before 3\n'])
    expect(await page('--before', '3')).toEqual([['2', '1'], ''])
    const { out, err } = await gateway.cli('rejected', '--source', 'shop', '--limit', '2', '--json')
    expect([JSON.parse(out), err]).toMatchObject([{ rejected: [{ rejectedSeq: 5 }, {}], next: 3 }, ''])
    expect((await gateway.ask('/api/rejected?before=3&limit=1')).json).toMatchObject({
      rejected: [{ rejectedSeq: 2, body: '{"n":2}' }],
      next: 2,
    })
  })

  test('come on a page of their own where their bodies are too much for one answer', async () => {
    const gateway = await operated()
    const body = JSON.stringify({ padding: 'x'.repeat(1_000_000) })
    for (let n = 0; n < 10; n += 1) {
      const each = body.replace('x', String(n))
      await send(gateway, 'shop', each, signedAt(Date.now() - 10 * MINUTE, each))
    }
    const first = await recorded(gateway, 8)
    const { next } = (await gateway.ask('/api/rejected')).json as { readonly next: number }
    const rest = (await gateway.ask(`/api/rejected?before=${next}`)).json as Listed
    expect([first.at(-1), ...rest.rejected].map((each) => each?.['rejectedSeq'])).toEqual([3, 2, 1])
    expect(rest).not.toHaveProperty('next')
    expect([...first, ...rest.rejected].map(({ body: kept }) => (kept as string).length)).toEqual(
      Array(10).fill(body.length),
    )
    expect((await gateway.cli('rejected')).err).toBe('older ones: --before 3\n')
  })
})

test('no secret is in what is listed: neither one that is sent as it is, nor a proxy’s', async () => {
  const passcode = 'the-passcode-of-figma-0123456789'
  const header = 'the-secret-in-the-header-of-castai'
  const sources = { figma: figma({ secret: passcode }), castai: castaiNotifications({ secret: header }) }
  const gateway = await operated({ sources })
  const cookies = { authorization: 'Bearer of-the-proxy', cookie: 'session=of-somebody' }
  // The secret where it belongs and refused for something else, one of before, and one that was put elsewhere.
  await send(gateway, 'figma', `{"passcode":"${passcode}","passcode":"${passcode}","n":1}`, cookies)
  await send(gateway, 'figma', `{"passcode":"${passcode}-of-before","n":2}`, cookies)
  await send(gateway, 'figma', `{"passcode":"wrong","n":3,"other":"${passcode}"}`, cookies)
  await send(gateway, 'castai', '{"n":4}', { ...cookies, 'x-webhook-secret': `${header}-of-before` })
  await send(gateway, 'castai', '{"n":5}', { ...cookies, 'x-elsewhere': header })
  await send(gateway, 'castai', '{"n":6}', cookies, `?token=${header}`)
  await recorded(gateway, 6)
  const { json, text } = await gateway.ask('/api/rejected')
  const { out } = await gateway.cli('rejected', '--json')
  expect((json as Listed).rejected.map(({ source }) => source).toSorted()).toEqual([
    ...Array<string>(3).fill('castai'),
    ...Array<string>(3).fill('figma'),
  ])
  for (const shown of [text, out, (await gateway.cli('rejected')).out]) {
    for (const hidden of [passcode, header, 'of-before', 'of-the-proxy', 'of-somebody'])
      expect(shown).not.toContain(hidden)
  }
})

describe('a wrong question is refused', () => {
  test.each(['limit=0', 'limit=1001', 'limit=x', 'before=0', 'before=x', 'reason=old', 'limit=1&tenant=x'])(
    '/api/rejected?%s',
    async (query) => expect((await (await operated()).ask(`/api/rejected?${query}`)).status).toBe(400),
  )

  test('without the token nobody is answered', async () => {
    const { ask } = await operated({ token: 'a-token-of-enough-length' })
    expect((await ask('/api/rejected')).status).toBe(401)
  })

  test('nothing is posted there', async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
    expect((await (await operated()).ask('/api/rejected', init)).status).toBe(405)
  })
})
