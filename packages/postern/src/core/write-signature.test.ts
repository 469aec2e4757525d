import { createHash, createHmac, createPublicKey, verify as verifyBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keyPair } from '../../../../test/support/key-pairs.ts'
import type { Place, SignatureScheme, TimestampRule } from './scheme.ts'
import type { SignedRequest, SignInput } from './sign-input.ts'
import { signRequest } from './sign.ts'
import { defineSource } from './source.ts'
import { writeSignatures } from './write-signature.ts'

const SECRET = 'a signing secret, long enough'
const NOW_MS = 1_700_000_000_123
const BODY = '{"id":"evt_1","at":"2020-01-01T00:00:00Z","sig":null}'
const DOT = { literal: '.' } as const

const plain: SignatureScheme = {
  name: 'plain',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
}

/** What is sent under a scheme: the body as text. */
function sent(
  parts: Partial<SignatureScheme>,
  input: Partial<SignInput> = {},
  secret = SECRET,
): Omit<SignedRequest, 'body'> & { readonly body: string } {
  const schemes = [{ ...plain, ...parts }]
  const source = defineSource({ name: 'own', title: 'Own', schemes, envelopes: [] }, { secret })
  const { body, ...rest } = signRequest(source, { body: BODY, nowMs: NOW_MS, ...input })
  return { ...rest, body: Buffer.from(body).toString() }
}

function hmac(content: string): string {
  return createHmac('sha256', SECRET).update(content).digest('hex')
}

const badScheme = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'bad_scheme', message: expect.stringMatching(message) as string })

describe('the time that is signed', () => {
  const at = (place: Place): TimestampRule => ({ in: place, unit: 'seconds' })

  it('is written where the scheme has it', () => {
    const content = ['timestamp', DOT, 'body'] as const
    expect(sent({ timestamp: at({ header: 'x-time' }), content })).toEqual({
      headers: { 'x-time': '1700000000', 'x-signature': hmac(`1700000000.${BODY}`) },
      url: '',
      body: BODY,
    })
  })

  it('is the one that stands in the body', () => {
    const timestamp = { in: { json: ['at'] }, unit: 'rfc3339' } as const
    expect(sent({ timestamp, content: ['timestamp', DOT, 'body'] }).headers).toEqual({
      'x-signature': hmac(`2020-01-01T00:00:00Z.${BODY}`),
    })
  })

  it('is one of now where none stands in the body', () => {
    const timestamp = { in: { json: ['none'] }, unit: 'rfc3339' } as const
    expect(sent({ timestamp, content: ['timestamp', DOT, 'body'] }).headers).toEqual({
      'x-signature': hmac(`2023-11-14T22:13:20.123Z.${BODY}`),
    })
  })
})

describe('the id that is signed', () => {
  const id = { in: { header: 'x-id' }, forbid: '.:' }
  const content = ['id', DOT, 'body'] as const

  it('is written where the scheme has it', () => {
    expect(sent({ id, content }, { id: 'msg_1' }).headers).toEqual({
      'x-id': 'msg_1',
      'x-signature': hmac(`msg_1.${BODY}`),
    })
  })

  it('is the one that stands in the body', () => {
    const inBody = { id: { in: { json: ['id'] }, forbid: '.' }, content }
    expect(sent(inBody, { id: 'msg_1' }).headers).toEqual({ 'x-signature': hmac(`evt_1.${BODY}`) })
  })

  it('is passed over by a scheme that signs none', () => {
    expect(sent({}, { id: 'msg.1' }).headers).toEqual({ 'x-signature': hmac(BODY) })
  })

  it.each(['msg.1', 'msg:1', ''])('leaves no doubt where it ends: not %j', (unsound) => {
    expect(() => sent({ id, content }, { id: unsound })).toThrow(
      badScheme(/^Cannot sign with 'plain': its ids must not contain \.:$/),
    )
  })

  it('has to be given', () => {
    expect(() => sent({ id, content })).toThrow(
      badScheme(/^Cannot sign with 'plain': a part of its signed content was not given$/),
    )
  })
})

describe('a signature among pairs', () => {
  const signature = {
    in: [{ header: 'x-signature' }],
    encoding: 'hex',
    pairSeparator: '=',
    field: 'v1',
  } as const
  const content = ['timestamp', DOT, 'body'] as const
  const v1 = hmac(`1700000000.${BODY}`)

  it('comes after the time and the id that stand there', () => {
    const timestamp = { in: { field: 't' }, unit: 'seconds' } as const
    expect(sent({ signature, timestamp, content }).headers).toEqual({
      'x-signature': `t=1700000000,v1=${v1}`,
    })
    const id = { in: { field: 'i' }, forbid: '.' }
    const both = { signature, timestamp, id, content: ['id', DOT, ...content] } as const
    expect(sent(both, { id: 'msg_1' }).headers).toEqual({
      'x-signature': `t=1700000000,i=msg_1,v1=${hmac(`msg_1.1700000000.${BODY}`)}`,
    })
  })

  it('may be over one of them, as over any other place', () => {
    const timestamp = { in: { field: 't' }, unit: 'seconds' } as const
    expect(sent({ signature, timestamp, content: [{ field: 't' }, DOT, 'body'] }).headers).toEqual({
      'x-signature': `t=1700000000,v1=${v1}`,
    })
  })

  it('stands alone where the time is in a header of its own', () => {
    const timestamp = { in: { header: 'x-time' }, unit: 'seconds' } as const
    expect(sent({ signature, timestamp, content }).headers).toEqual({
      'x-time': '1700000000',
      'x-signature': `v1=${v1}`,
    })
  })

  it('is beside what the caller has put into the query', () => {
    const timestamp = { in: { query: 't' }, unit: 'seconds' } as const
    expect(sent({ signature, timestamp, content }, { url: '/a?t=1700000000' })).toMatchObject({
      headers: { 'x-signature': `v1=${v1}` },
      url: '/a?t=1700000000',
    })
  })
})

describe('what is signed beside them', () => {
  it('is the request as it is sent, a POST where nothing else is said', () => {
    const content = ['method', DOT, 'url', DOT, { header: 'x-more' }] as const
    const given = { url: '/a?b', headers: { 'x-more': 'more' } }
    expect(sent({ content }, given).headers).toEqual({ 'x-signature': hmac('POST./a?b.more') })
    expect(sent({ content }, { ...given, method: 'PUT' }).headers).toEqual({
      'x-signature': hmac('PUT./a?b.more'),
    })
  })

  it('is what the scheme requires, where the content names it', () => {
    const parts = { required: { 'x-version': '2' }, content: [{ header: 'x-version' }, DOT, 'body'] } as const
    expect(sent(parts).headers).toEqual({ 'x-version': '2', 'x-signature': hmac(`2.${BODY}`) })
  })
})

describe('a signature over the URL and a form', () => {
  const base = 'https://example.com/hook'
  const parts: Partial<SignatureScheme> = {
    derives: 'url-and-form',
    content: [
      { derived: 'public-url', base },
      { derived: 'form-or-digest', digestIn: 'digest' },
    ],
  }

  it('puts the digest of JSON into the URL', () => {
    const json = { 'content-type': 'application/json' }
    const digest = createHash('sha256').update(BODY).digest('hex')
    expect(sent(parts, { url: '/hook?a=1', headers: json })).toEqual({
      headers: { 'x-signature': hmac(`${base}?a=1&digest=${digest}`) },
      url: `/hook?a=1&digest=${digest}`,
      body: BODY,
    })
  })

  it('is over the fields of anything else', () => {
    const form = { body: 'b=2&a=1', url: '/hook?c=3' }
    const expected = {
      headers: { 'x-signature': hmac(`${base}?c=3a1b2`) },
      url: '/hook?c=3',
      body: form.body,
    }
    expect(sent(parts, form)).toEqual(expected)
    expect(sent(parts, { ...form, headers: { 'content-type': 'text/plain' } })).toEqual(expected)
  })

  it('puts no digest into the URL of a scheme that has none there', () => {
    const json = { headers: { 'content-type': 'application/json' }, url: '/hook' }
    expect(sent({}, json).url).toBe('/hook')
  })
})

describe('a signature over headers that are listed', () => {
  const parts: Partial<SignatureScheme> = {
    derives: 'listed-headers',
    timestamp: { in: { header: 'x-time' }, unit: 'seconds' },
    content: [
      DOT,
      { derived: 'escaped-path' },
      { derived: 'listed-headers', listedIn: 'x-list', must: ['x-list', 'x-time'] },
      'body',
    ],
  }

  it('lists those that must be', () => {
    const { headers } = sent(parts, { url: '/a' })
    expect(headers).toEqual({
      'x-time': '1700000000',
      'x-list': 'x-list,x-time',
      'x-signature': hmac(`./ax-list:x-list,x-time;x-time:1700000000${BODY}`),
    })
    expect(sent(parts, { url: '/a', headers: { 'x-more': 'more' } }).headers).toEqual(headers)
  })

  it('is over those of a list that is given', () => {
    const given = { 'x-list': 'x-time,x-more,x-list', 'x-more': 'more' }
    expect(sent(parts, { url: '/a', headers: given }).headers).toMatchObject({
      'x-signature': hmac(`./ax-time:1700000000;x-more:more;x-list:x-time,x-more,x-list${BODY}`),
    })
  })
})

describe('a signature in the body', () => {
  const parts: Partial<SignatureScheme> = {
    signature: { in: [{ json: ['of', 'sig'] }], encoding: 'hex' },
    timestamp: { in: { header: 'x-time' }, unit: 'seconds' },
    content: ['timestamp', DOT, { json: ['id'] }],
  }

  it('takes the place of what stands there, and no other byte changes', () => {
    const signature = hmac('1700000000.7')
    expect(sent(parts, { body: '{ "id" : 7,\n "of":{"sig" : [ null ] } }\n' })).toEqual({
      headers: { 'x-time': '1700000000' },
      url: '',
      body: `{ "id" : 7,\n "of":{"sig" : "${signature}" } }\n`,
    })
  })

  it.each([
    ['none', '{"id":7,"of":{}}'],
    ['two', '{"id":7,"of":{"sig":1,"sig":2}}'],
  ])('needs a place for itself: not %s', (_, body) => {
    expect(() => sent(parts, { body })).toThrow(badScheme(/^Cannot sign with 'plain': .* of\.sig once/))
  })

  it('needs a body of JSON', () => {
    const timed: Partial<SignatureScheme> = { ...parts, content: ['timestamp'] }
    expect(() => sent(timed, { body: 'no JSON' })).toThrow(badScheme(/of\.sig once/))
  })
})

describe('a signature of each item', () => {
  const joined = {
    derived: 'joined',
    places: [{ json: ['id'] }],
    separator: ':',
    free: { json: ['id'] },
  } as const
  const parts: Partial<SignatureScheme> = {
    derives: 'items',
    each: ['list'],
    signature: { in: [{ json: ['sig'] }], encoding: 'hex' },
    content: [joined],
  }

  it('stands in its own item', () => {
    const body = '{"list":[{"id":"a","sig":1}, {"sig":2,"id":"b"} ,{"id":"c","sig":""}]}'
    expect(sent(parts, { body }).body).toBe(
      `{"list":[{"id":"a","sig":"${hmac('a')}"}, {"sig":"${hmac('b')}","id":"b"} ,{"id":"c","sig":"${hmac('c')}"}]}`,
    )
  })

  it.each(['{}', '{"list":[]}', '{"list":{}}', '{"list":1}', 'no JSON'])('needs items: not %s', (body) => {
    expect(() => sent(parts, { body })).toThrow(badScheme(/was not given$/))
  })

  it.each([
    ['in each of them', '{"list":[{"id":"a","sig":1},{"id":"b"}]}'],
    ['in one list of them', '{"list":[{"id":"a","sig":1}],"list":[{"id":"a","sig":1}]}'],
  ])('needs a place for itself %s', (_, body) => {
    expect(() => sent(parts, { body })).toThrow(badScheme(/the member sig once/))
  })
})

describe('a signature that is no HMAC', () => {
  it('is the digest of the key and the content', () => {
    const digest = createHash('sha256').update(`${SECRET}${BODY}`).digest('hex')
    expect(sent({ algorithm: 'sha256' }).headers).toEqual({ 'x-signature': digest })
  })

  it('is made with the private key', () => {
    const { publicKey, privateKey } = keyPair('ecdsa-p256-sha256', 1)
    const parts: Partial<SignatureScheme> = { algorithm: 'ecdsa-p256-sha256', key: { as: 'base64' } }
    const secret = publicKey.toString('base64')
    const signature = Buffer.from(sent(parts, { privateKey }, secret).headers['x-signature'] as string, 'hex')
    const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' })
    expect(verifyBytes('sha256', Buffer.from(BODY), key, signature)).toBe(true)
    expect(() => sent(parts, {}, secret)).toThrow(
      badScheme(/^Cannot sign with 'plain' without its private key: the source has the public one$/),
    )
  })
})

it('a signature needs a place, which every sound scheme has', () => {
  const unsound = { ...plain, signature: { ...plain.signature, in: [] } }
  const input = { body: BODY, nowMs: NOW_MS }
  const request = { headers: {}, body: Buffer.from(BODY), url: '' }
  expect(() => writeSignatures(unsound, Buffer.from(SECRET), input, request)).toThrow(
    badScheme(/^'plain' has no place for a signature$/),
  )
})
