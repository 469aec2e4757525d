import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Provider } from './provider.ts'
import type { RequestLike } from './request.ts'
import type { Scheme } from './scheme.ts'
import { defineSource } from './source.ts'
import type { SourceOptions } from './source-options.ts'
import { verify, verifyRequest, type Verdict } from './verify.ts'

const SECRET = 'the secret of these tests'
const NOW_MS = 1_700_000_000_000
const NOW = '1700000000'
const now = (): number => NOW_MS
const BODY = '{"id":"evt_1","type":"resource.created","data":{"n":1},"created":"2023-11-14T22:13:20Z"}'

const timed: Scheme = {
  name: 'timed',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  timestamp: { in: { header: 'x-timestamp' }, unit: 'seconds' },
  content: ['timestamp', { literal: '.' }, 'body'],
}

const untimed: Scheme = {
  name: 'untimed',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-other' }], prefix: 'sha256=', encoding: 'hex' },
  content: ['body'],
}

const provider: Provider = {
  name: 'sample',
  title: 'Sample',
  schemes: [timed, untimed],
  envelopes: [
    {
      name: 'sample',
      id: [{ json: ['id'] }],
      type: { json: ['type'] },
      created: { in: { json: ['created'] }, unit: 'rfc3339' },
      data: ['data'],
    },
  ],
}

const source = defineSource(provider, { secret: SECRET })

function hmac(content: string | Uint8Array): string {
  return createHmac('sha256', SECRET).update(content).digest('hex')
}

function signedHeaders(body = BODY): Record<string, string> {
  return { 'X-Signature': hmac(`${NOW}.${body}`), 'X-Timestamp': NOW }
}

function signed(body = BODY): RequestLike {
  return { headers: signedHeaders(body), body: Buffer.from(body) }
}

async function reasonOf(
  request: RequestLike | Request,
  options: SourceOptions = { secret: SECRET },
): Promise<string> {
  const verdict = await verify(request, defineSource(provider, options), { now })
  return verdict.ok ? 'accepted' : verdict.reason
}

describe('verify', () => {
  it('gives the event of an authentic request', async () => {
    const body = Buffer.from(BODY)
    const verdict = await verify({ headers: signedHeaders(), body }, source, { now })
    expect(verdict).toEqual({
      ok: true,
      scheme: 'timed',
      secretIndex: 0,
      event: {
        source: 'sample',
        id: 'evt_1',
        type: 'resource.created',
        created: new Date('2023-11-14T22:13:20Z'),
        data: { n: 1 },
        body,
        headers: ['X-Signature', signedHeaders()['X-Signature'], 'X-Timestamp', NOW],
      },
    })
    expect(verdict.ok && verdict.event.body).toBe(body)
  })

  it('leaves `created` undefined where the body has none', async () => {
    const verdict = await verify(signed('{"id":"a","type":"t"}'), source, { now })
    expect(verdict).toMatchObject({ ok: true, event: { created: undefined, data: undefined } })
  })

  it('uses the real clock by default', async () => {
    expect(await verify(signed(), source)).toEqual({ ok: false, reason: 'stale' })
  })

  it('says which secret matched', async () => {
    const rotating = defineSource(provider, { secret: ['a newer secret', SECRET] })
    expect(await verify(signed(), rotating, { now })).toMatchObject({ ok: true, secretIndex: 1 })
  })

  it('says which scheme passed, in any order of schemes', async () => {
    const other = { headers: { 'x-other': `sha256=${hmac(BODY)}` }, body: Buffer.from(BODY) }
    expect(await verify(other, source, { now })).toMatchObject({ ok: true, scheme: 'untimed' })
    const turned = defineSource({ ...provider, schemes: [untimed, timed] }, { secret: SECRET })
    expect(await verify(signed(), turned, { now })).toMatchObject({ ok: true, scheme: 'timed' })
  })

  it('says the first scheme where several pass, whichever comes after it', async () => {
    const both = {
      headers: { ...signedHeaders(), 'x-other': `sha256=${hmac(BODY)}` },
      body: Buffer.from(BODY),
    }
    expect(await verify(both, source, { now })).toMatchObject({ ok: true, scheme: 'timed' })
    const turned = defineSource({ ...provider, schemes: [untimed, timed] }, { secret: SECRET })
    expect(await verify(both, turned, { now })).toMatchObject({ ok: true, scheme: 'untimed' })
    // Of a later scheme not even the reason is of use.
    const stale = { now: () => NOW_MS + 301_000 }
    expect(await verify(both, turned, stale)).toMatchObject({ ok: true, scheme: 'untimed' })
  })

  it('passes by one scheme although the headers of the other are wrong', async () => {
    const headers = { ...signedHeaders(), 'x-other': 'sha256=zz' }
    expect(await reasonOf({ headers, body: Buffer.from(BODY) })).toBe('accepted')
    const reversed = { 'x-signature': 'zz', 'x-other': `sha256=${hmac(BODY)}` }
    expect(await reasonOf({ headers: reversed, body: Buffer.from(BODY) })).toBe('accepted')
  })

  it('reports the scheme that got furthest', async () => {
    const body = Buffer.from(BODY)
    expect(await reasonOf({ headers: {}, body })).toBe('missing_header')
    expect(await reasonOf({ headers: { 'x-other': 'sha1=x' }, body })).toBe('malformed_header')
    expect(await reasonOf({ headers: { 'x-other': 'sha256=x' }, body })).toBe('bad_encoding')
    const headers = { ...signedHeaders(), 'x-other': 'sha256=x' }
    expect(await reasonOf({ headers: { ...headers, 'X-Timestamp': 'x' }, body })).toBe('malformed_timestamp')
    expect(await reasonOf({ headers: { ...headers, 'X-Timestamp': '1' }, body })).toBe('signature_mismatch')
    const stale = defineSource(provider, { secret: SECRET })
    expect(await verify({ headers, body }, stale, { now: () => NOW_MS + 301_000 })).toMatchObject({
      reason: 'stale',
    })
    expect(await verify({ headers, body }, stale, { now: () => NOW_MS - 301_000 })).toMatchObject({
      reason: 'future',
    })
  })

  it('reports a source without secrets or schemes as no_secret', async () => {
    expect(await reasonOf(signed(), {})).toBe('no_secret')
    const nothing = defineSource({ ...provider, schemes: [] }, { secret: SECRET })
    expect(await verify(signed(), nothing, { now })).toEqual({ ok: false, reason: 'no_secret' })
  })

  it.each(['', 'Hello', 'null', '1', '{'])('reports an authentic body that is no event: %j', async (body) => {
    expect(await reasonOf(signed(body))).toBe('malformed_body')
  })

  it('does not parse what it has not verified', async () => {
    expect(await reasonOf({ headers: {}, body: Buffer.from('{') })).toBe('missing_header')
  })

  it('refuses a body over the limit before anything else', async () => {
    const exact = Buffer.byteLength(BODY)
    expect(await reasonOf(signed(), { secret: SECRET, maxBodyBytes: exact })).toBe('accepted')
    expect(await reasonOf(signed(), { secret: SECRET, maxBodyBytes: exact - 1 })).toBe('body_too_large')
    expect(await reasonOf(signed(), { maxBodyBytes: exact - 1 })).toBe('body_too_large')
  })

  it('keeps the tolerance of its source', async () => {
    const strict = defineSource(provider, { secret: SECRET, toleranceSeconds: 0 })
    expect(await verify(signed(), strict, { now: () => NOW_MS + 1000 })).toMatchObject({ reason: 'stale' })
    expect(await verify(signed(), strict, { now })).toMatchObject({ ok: true })
  })

  // What `express.raw({ type: 'application/json' })` leaves where a sender says `text/plain`: with Express 4 `{}`, with 5 nothing.
  it.each<[string, unknown]>([
    ['text', BODY],
    ['an object', {}],
    ['nothing', undefined],
    ['null', null],
    ['an ArrayBuffer', new ArrayBuffer(2)],
  ])('says of a body that is %s that it was parsed before', async (_, body) => {
    const parsed = { headers: signedHeaders(), body } as unknown as RequestLike
    expect(await verify(parsed, source, { now })).toEqual({ ok: false, reason: 'body_already_parsed' })
  })

  describe('of a Fetch request', () => {
    const streamed = (stream: ReadableStream<unknown>): Request =>
      new Request('https://example.com', {
        method: 'POST',
        headers: signedHeaders(),
        body: stream as ReadableStream<Uint8Array>,
        duplex: 'half',
      } as RequestInit)
    const small = defineSource(provider, { secret: SECRET, maxBodyBytes: 10 })

    it('says of a body that breaks off that its sender left', async () => {
      const chunks = [Buffer.from(BODY.slice(0, 10))]
      const stream = new ReadableStream({
        pull(body) {
          const chunk = chunks.pop()
          if (chunk === undefined) body.error(new Error('aborted'))
          else body.enqueue(chunk)
        },
      })
      expect(await reasonOf(streamed(stream))).toBe('client_disconnected')
    })

    it.each<[string, (request: Request) => unknown]>([
      ['was read', (request) => request.text()],
      ['was read as JSON', (request) => request.json()],
      ['somebody is about to read', (request) => request.body?.getReader()],
      ['is being read', (request) => void request.text()],
      ['was cancelled', (request) => request.body?.cancel()],
    ])('says of a body that %s that it was parsed before', async (_, before) => {
      const request = new Request('https://example.com', {
        method: 'POST',
        headers: signedHeaders(),
        body: BODY,
      })
      await before(request)
      expect(await reasonOf(request)).toBe('body_already_parsed')
    })

    it('is a verdict where the body comes as text, as no server has it', async () => {
      const stream = new ReadableStream({
        start(body) {
          body.enqueue(BODY)
          body.close()
        },
      })
      expect(await reasonOf(streamed(stream))).toBe('client_disconnected')
    })

    // To wait for the cancel is to wait for the other branch, or for ever.
    it.each<[string, Request]>([
      ['of a request that was cloned', streamed(new Blob([BODY]).stream()).clone()],
      ['whose stream cannot be cancelled', streamed(endless(() => Promise.reject(new Error('reset'))))],
      ['whose stream never ends its cancel', streamed(endless(() => new Promise<never>(() => {})))],
    ])('says of a body over the limit %s that it is', async (_, request) => {
      expect(await verify(request, small, { now })).toEqual({ ok: false, reason: 'body_too_large' })
    })
  })

  it('is the synchronous verifyRequest for callers that hold the bytes', () => {
    const headers = Object.entries(signedHeaders()).flat()
    const request = { method: 'POST', url: '', headers, body: Buffer.from(BODY) }
    expect(verifyRequest(request, source, NOW_MS)).toMatchObject({
      ok: true,
      read: { id: 'evt_1' },
      scheme: 'timed',
    })
    expect(verifyRequest({ ...request, headers: [] }, source, NOW_MS)).toEqual({
      ok: false,
      reason: 'missing_header',
    })
  })
})

describe('the headers that verify takes', () => {
  const [signature, time] = Object.values(signedHeaders()) as [string, string]

  it.each<[string, RequestLike['headers']]>([
    ['names and values in turn', ['X-Signature', signature, 'x-timestamp', time]],
    [
      'pairs',
      [
        ['x-signature', signature],
        ['X-TIMESTAMP', time],
      ],
    ],
    ['an object', { 'x-signature': signature, 'x-timestamp': time, 'x-absent': undefined }],
    ['an object with lists of one', { 'x-signature': [signature], 'x-timestamp': [time] }],
    ['Fetch Headers', new Headers({ 'X-Signature': signature, 'X-Timestamp': time })],
    [
      'a Map',
      new Map([
        ['x-signature', signature],
        ['x-timestamp', time],
      ]),
    ],
    ['an object with names in capitals', { 'X-SIGNATURE': signature.toUpperCase(), 'X-TIMESTAMP': time }],
  ])('may be %s', async (_, headers) => {
    expect(await outcome(headers)).toBe('accepted')
  })

  it.each<[string, RequestLike['headers'], string]>([
    [
      'in turn',
      ['x-signature', signature, 'X-Signature', signature, 'x-timestamp', time],
      'duplicate_header',
    ],
    ['in a list', { 'x-signature': [signature, signature], 'x-timestamp': time }, 'duplicate_header'],
    [
      'by case',
      { 'x-signature': signature, 'X-Signature': signature, 'x-timestamp': time },
      'duplicate_header',
    ],
    [
      'joined by a framework',
      { 'x-signature': `${signature}, ${signature}`, 'x-timestamp': time },
      'bad_encoding',
    ],
    [
      'times in turn',
      ['x-signature', signature, 'x-timestamp', time, 'x-timestamp', time],
      'duplicate_header',
    ],
    ['times joined', { 'x-signature': signature, 'x-timestamp': `${time}, ${time}` }, 'malformed_timestamp'],
    [
      'a good one after a bad one',
      { 'x-signature': ['0'.repeat(64), signature], 'x-timestamp': time },
      'duplicate_header',
    ],
  ])('may not be doubled: %s', async (_, headers, reason) => {
    expect(await outcome(headers)).toBe(reason)
  })
})

describe('a Fetch request', () => {
  it('is verified, with the bytes and headers of its event', async () => {
    const verdict = await verify(post(), source, { now })
    expect(verdict).toMatchObject({ ok: true, event: { id: 'evt_1', source: 'sample' } })
    expect(verdict.ok && Buffer.from(verdict.event.body).toString()).toBe(BODY)
    expect(verdict.ok && verdict.event.headers).toContain('x-signature')
  })

  it('is verified by its bytes, not by its text', async () => {
    const body = Buffer.concat([
      Buffer.from('{"id":"a","type":"t","x":"'),
      Buffer.of(0xff),
      Buffer.from('"}'),
    ])
    const signature = hmac(Buffer.concat([Buffer.from(`${NOW}.`), body]))
    const headers = { 'x-signature': signature, 'x-timestamp': NOW }
    expect(await reasonOf(post(body, headers))).toBe('accepted')
    const changed = Buffer.from(body)
    changed[changed.indexOf(0xff)] = 0xfe
    expect(await reasonOf(post(changed, headers))).toBe('signature_mismatch')
  })

  it('over the limit is refused, and not read to its end', async () => {
    expect(await reasonOf(post(), { secret: SECRET, maxBodyBytes: 10 })).toBe('body_too_large')
  })

  it('without a body is an empty one', async () => {
    const empty = new Request('https://example.com', { method: 'POST', headers: signedHeaders('') })
    expect(await reasonOf(empty)).toBe('malformed_body')
  })

  it('with a doubled signature is refused, as Headers has joined it', async () => {
    const headers = new Headers(signedHeaders())
    headers.append('x-signature', signedHeaders()['X-Signature']!)
    const doubled = new Request('https://example.com', { method: 'POST', headers, body: BODY })
    expect(await reasonOf(doubled)).toBe('bad_encoding')
  })
})

describe('what a verdict is', () => {
  it('has either an event or a reason, never both', async () => {
    const accepted: Verdict = await verify(signed(), source, { now })
    const refused: Verdict = await verify({ headers: {}, body: Buffer.from(BODY) }, source, { now })
    expect(Object.keys(accepted).toSorted()).toEqual(['event', 'ok', 'scheme', 'secretIndex'])
    expect(Object.keys(refused).toSorted()).toEqual(['ok', 'reason'])
  })
})

function endless(cancel: () => Promise<void>): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (body) => body.enqueue(new Uint8Array(100)), cancel })
}

async function outcome(headers: RequestLike['headers']): Promise<string> {
  return reasonOf({ headers, body: Buffer.from(BODY) })
}

function post(body: BodyInit = BODY, headers = signedHeaders()): Request {
  return new Request('https://example.com/webhooks/sample', { method: 'POST', headers, body })
}
