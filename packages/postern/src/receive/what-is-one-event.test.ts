/** What is one event of providers that sign no id, or not what their id stands for: replays, copies and forgeries in a store. */
import { createHmac } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { signRequest, type Source } from '../core/index.ts'
import { createPostern } from '../postern.ts'
import { adyen, contentful, dropbox, eventgrid, mailgun, msgraph, twilio } from '../providers/index.ts'
import { memory, type MemoryStore } from '../stores/memory/index.ts'

const SECRET = 'a signing secret, long enough'
const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const STORED = { received: true }
const DUPLICATE = { received: true, duplicate: true }

interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  /** Path and query. */
  readonly url?: string
}

interface Inbox {
  readonly send: (sent: Sent, nowMs?: number) => Promise<unknown>
  readonly store: MemoryStore
  /** What handlers were given. */
  readonly handled: unknown[]
}

function inboxOf(source: Source): Inbox {
  const store = memory()
  const handled: unknown[] = []
  let clockMs = NOW_MS
  const postern = createPostern({
    store,
    sources: { own: source },
    handlers: (on) => [on('own', '*', (event) => void handled.push(event.data))],
    log: { debug() {}, info() {}, warn() {}, error() {} },
    now: () => clockMs,
  })
  onTestFinished(() => postern.stop())
  return {
    store,
    handled,
    send: async ({ headers = {}, body, url = '/webhooks/own' }, nowMs = NOW_MS) => {
      clockMs = nowMs
      const init = { method: 'POST', headers, body }
      const response = await postern.fetch(new Request(`http://localhost${url}`, init))
      await postern.drain()
      return response.status === 200 ? response.json() : response.status
    },
  }
}

/** A request as the provider signs it. */
function signed(source: Source, sent: Sent): Sent {
  const { headers = {}, url = '/webhooks/own' } = sent
  const made = signRequest(source, { ...sent, headers, url, nowMs: NOW_MS })
  return { headers: { ...headers, ...made.headers }, body: Buffer.from(made.body).toString(), url: made.url }
}

describe('Twilio, whose signature is the id', () => {
  const source = twilio({ secret: SECRET, webhookUrl: 'https://example.com/own' })
  const form = 'Body=b&MessageSid=SM1&SmsStatus=received'
  const signature = createHmac('sha1', SECRET)
    .update('https://example.com/ownBodybMessageSidSM1SmsStatusreceived')
    .digest('base64')
  const of = (body: string): Sent => ({ headers: { 'x-twilio-signature': signature }, body })

  test('a copy is a duplicate; the same parameters cut up or sorted otherwise are held, and run nothing', async () => {
    const { send, handled, store } = inboxOf(source)
    expect(await send(of(form))).toEqual(STORED)
    expect(await send(of(form))).toEqual(DUPLICATE)
    for (const other of [
      'SmsStatus=received&MessageSid=SM1&Body=b',
      'Bod=yb&MessageSid=SM1&SmsStatus=received',
      'Body=bMessageSidSM1&SmsStatus=received',
      'Body=%62&MessageSid=SM1&SmsStatus=received',
    ]) {
      expect(await send(of(other))).toEqual(STORED)
    }
    expect(handled).toEqual([{ Body: 'b', MessageSid: 'SM1', SmsStatus: 'received' }])
    expect(
      (await store.list({ of: 'events', limit: 10 })).events.map(({ conflictsWith }) => conflictsWith),
    ).toContain(1)
  })
})

describe('Mailgun, whose token is the id', () => {
  const source = mailgun({ secret: SECRET })
  const event = (id: string, token = 'a'.repeat(50)): string =>
    JSON.stringify({
      signature: { timestamp: String(NOW_MS / 1000), token, signature: '' },
      'event-data': { event: 'opened', id },
    })

  test('a copy is a duplicate; another event under its signature is held, and runs nothing', async () => {
    const { send, handled } = inboxOf(source)
    const genuine = signed(source, { body: event('1') })
    expect(await send(genuine)).toEqual(STORED)
    expect(await send(genuine)).toEqual(DUPLICATE)
    expect(await send({ ...genuine, body: genuine.body.replace('"id":"1"', '"id":"2"') })).toEqual(STORED)
    expect(handled).toEqual([{ event: 'opened', id: '1' }])
  })

  test('is taken for as long as Mailgun tries, and no longer', async () => {
    const { send } = inboxOf(source)
    const of = (token: string): Sent => signed(source, { body: event('1', token.repeat(50)) })
    expect(await send(of('b'), NOW_MS + 8 * 3_600_000)).toEqual(STORED)
    expect(await send(of('c'), NOW_MS + 8 * 3_600_000 + 301_000)).toBe(401)
  })

  test('says at the start that its events are not signed', () => {
    expect(source.warnings).toEqual([expect.stringMatching(/the event itself is not signed/)])
  })
})

describe('Dropbox and Microsoft Graph, of whom every arrival is an event', () => {
  test.each([
    ['Dropbox', dropbox({ secret: SECRET }), '{"list_folder":{"accounts":["dbid:1"]}}'],
    [
      'Microsoft Graph',
      msgraph({ secret: SECRET }),
      '{"value":[{"clientState":"","resource":"me/drive/root"}]}',
    ],
  ])('%s: the same bytes twice run twice', async (_, source, body) => {
    const { send, handled, store } = inboxOf(source)
    const request = signed(source, { body })
    expect(await send(request)).toEqual(STORED)
    expect(await send(request)).toEqual(STORED)
    expect(handled).toHaveLength(2)
    const ids = (await store.list({ of: 'events', limit: 10 })).events.map(({ id }) => id)
    expect(new Set(ids).size).toBe(2)
    expect(ids.every((id) => /^arrival:[0-9a-f]{32}$/.test(id))).toBe(true)
    expect(JSON.stringify(handled)).not.toContain(SECRET)
  })
})

describe("Adyen's payments, of whose items eight members are signed", () => {
  const source = adyen({ secret: 'ab'.repeat(32) })
  const item = (pspReference: string, more: object = {}): object => ({
    NotificationRequestItem: {
      additionalData: { hmacSignature: '' },
      amount: { currency: 'EUR', value: 100 },
      eventCode: 'AUTHORISATION',
      merchantAccountCode: 'Own',
      merchantReference: 'order:1',
      pspReference,
      success: 'true',
      ...more,
    },
  })
  const of = (...notificationItems: readonly object[]): Sent =>
    signed(source, { body: JSON.stringify({ live: 'false', notificationItems }) })

  test('a copy is a duplicate; one with another reason is held, since that is not signed', async () => {
    const { send, handled } = inboxOf(source)
    const genuine = of(item('1', { reason: 'none' }))
    expect(await send(genuine)).toEqual(STORED)
    expect(await send(genuine)).toEqual(DUPLICATE)
    expect(await send({ ...genuine, body: genuine.body.replace('"none"', '"pay me"') })).toEqual(STORED)
    expect(await send({ ...genuine, body: genuine.body.replace('"value":100', '"value":1') })).toBe(401)
    expect(handled).toEqual([expect.objectContaining({ pspReference: '1', reason: 'none' })])
  })

  test('of several items all have to be signed, and the digest of the body is the id', async () => {
    const { send, store } = inboxOf(source)
    const two = of(item('1'), item('2'))
    expect(await send(two)).toEqual(STORED)
    expect(await send({ ...two, body: two.body.replace('"pspReference":"2"', '"pspReference":"3"') })).toBe(
      401,
    )
    const [event] = (await store.list({ of: 'events', limit: 1 })).events
    expect(event).toMatchObject({ type: 'batch', id: expect.stringMatching(/^sha256:/) as string })
  })
})

describe('Azure Event Grid', () => {
  const secret = 'grid & secret, long'
  const event = (id: string): object => ({ topic: '/t', id, eventType: 'made', subject: 's', data: { a: 1 } })
  const of = (source: Source, body: unknown): Sent => signed(source, { body: JSON.stringify(body) })

  test('delivers the event itself, and a batch as it is', async () => {
    const source = eventgrid({ secret })
    const { send, handled, store } = inboxOf(source)
    expect(await send(of(source, [event('1')]))).toEqual(STORED)
    expect(await send(of(source, [event('1')]))).toEqual(DUPLICATE)
    expect(await send(of(source, [event('1'), event('2')]))).toEqual(STORED)
    expect(handled).toEqual([event('1'), [event('1'), event('2')]])
    const { events } = await store.list({ of: 'events', limit: 10 })
    expect(events.map(({ type }) => type).toSorted()).toEqual(['batch', 'made'])
  })

  test('has the validation of a subscription answered, where it has the secret', async () => {
    const source = eventgrid({ secret })
    const { send, store } = inboxOf(source)
    const asked = { ...of(source, [{ data: { validationCode: '512d38b6' } }]) }
    const headers = { 'aeg-event-type': 'SubscriptionValidation' }
    expect(await send({ ...asked, headers })).toEqual({ validationResponse: '512d38b6' })
    expect(await send({ ...asked, headers, url: '/webhooks/own' })).toBe(401)
    expect(await store.stat()).toMatchObject({ events: 0 })
  })

  test.each([
    ['another parameter', eventgrid({ secret, parameter: 'key' }), /^\/webhooks\/own\?key=/],
    ['a header', eventgrid({ secret, header: 'X-Grid' }), /^\/webhooks\/own$/],
  ])('has its secret in %s where the source says so', async (_, source, url) => {
    const { send } = inboxOf(source)
    const sent = of(source, [event('1')])
    expect(sent.url).toMatch(url)
    expect(await send(sent)).toEqual(STORED)
    expect(await send({ body: sent.body })).toBe(401)
  })

  test('keeps no secret in the log of refused requests', async () => {
    const source = eventgrid({ secret })
    const { send, store } = inboxOf(source)
    await send({
      body: '[]',
      url: `/webhooks/own?code=${encodeURIComponent('another secret of somebody')}&a=1`,
    })
    await send({ body: '[]', url: `/webhooks/own?cod%65=twice&code=twice+over` })
    const urls = (await store.rejected.list({ limit: 10 })).requests.map(({ url }) => url)
    expect(urls).toHaveLength(2)
    expect(urls.join()).not.toMatch(/another|twice/)
    expect(urls.join()).toContain('code=[redacted]&a=1')
  })
})

test('Contentful: a path of one’s own is what is signed, whatever the proxy makes of it', async () => {
  const secret = 's'.repeat(64)
  const request = signed(contentful({ secret }), { body: '{"sys":{"id":"1"}}', url: '/public/hook?a=b%20c' })
  const behind = inboxOf(contentful({ secret, path: '/public/hook?a=b%20c' }))
  expect(await behind.send({ ...request, url: '/webhooks/own' })).toEqual(STORED)
  const open = inboxOf(contentful({ secret }))
  expect(await open.send({ ...request, url: '/webhooks/own' })).toBe(401)
})
