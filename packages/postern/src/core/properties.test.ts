import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprintOf } from '../inbox/index.ts'
import { vastai } from '../providers/index.ts'
import { newEvent } from '../receive/new-event.ts'
import { check } from './check.ts'
import { decodeStrictly, encode, type Encoding } from './encoding.ts'
import { Keyring } from './keyring.ts'
import { readPath } from './place.ts'
import type { WebhookRequest } from './request.ts'
import type { Part, SignatureScheme as Scheme } from './scheme.ts'
import { sign } from './sign.ts'
import { defineSource, type Source } from './source.ts'
import { parseTimestamp } from './timestamp.ts'
import { verify, verifyRequest } from './verify.ts'

// fast-check prints the seed and the path of a failure; `fc.assert(property, { seed, path })` repeats it.
const RUNS = { numRuns: 300 }
const SECRET = 'the secret of these properties'
const NOW_MS = 1_700_000_000_000

function scheme(name: string, parts: Partial<Scheme>): Scheme {
  return {
    name,
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
    content: ['body'],
    ...parts,
  }
}

const time = { in: { header: 'x-timestamp' }, unit: 'seconds' } as const
const id = { in: { header: 'x-id' }, forbid: '.' } as const
const dot: Part = { literal: '.' }

/** One signature in one header, so that the header as a whole is the signature. */
const single: readonly Scheme[] = [
  scheme('bare', { timestamp: time, content: ['timestamp', dot, 'body'] }),
  scheme('prefixed', { signature: { in: [{ header: 'x-signature' }], prefix: 'sha256=', encoding: 'hex' } }),
  scheme('sha1', { algorithm: 'hmac-sha1' }),
  scheme('base64', { signature: { in: [{ header: 'x-signature' }], encoding: 'base64' } }),
  scheme('base64url', {
    signature: { in: [{ header: 'x-signature' }], prefix: 'v1=', encoding: 'base64url' },
    algorithm: 'hmac-sha512',
  }),
  scheme('rfc3339', { timestamp: { ...time, unit: 'rfc3339' }, content: ['timestamp', 'body'] }),
  scheme('body-first', { timestamp: { ...time, unit: 'rfc3339' }, content: ['body', 'timestamp'] }),
]

const schemes: readonly Scheme[] = [
  ...single,
  scheme('pairs', {
    signature: {
      in: [{ header: 'x-signature' }],
      separator: ',',
      pairSeparator: '=',
      field: 'v1',
      encoding: 'hex',
    },
    timestamp: { in: { field: 't' }, unit: 'seconds' },
    content: ['timestamp', dot, 'body'],
  }),
  scheme('standard-webhooks', {
    signature: { in: [{ header: 'x-signature' }], separator: ' ', prefix: 'v1,', encoding: 'base64' },
    timestamp: time,
    id,
    content: ['id', dot, 'timestamp', dot, 'body'],
  }),
  scheme('slack', { timestamp: time, content: [{ literal: 'v0:' }, 'timestamp', { literal: ':' }, 'body'] }),
  scheme('twitch', {
    timestamp: { ...time, unit: 'rfc3339' },
    id: { in: { header: 'x-id' }, forbid: ':' },
    content: ['id', 'timestamp', 'body'],
  }),
]

function sourceOf(...list: readonly Scheme[]): Source {
  const envelopes = [
    { name: 'one', id: [{ json: ['id'] }], type: { json: ['type'] } },
    { name: 'other', id: [{ header: 'x-id' }], type: { json: ['event'] } },
  ]
  return defineSource({ name: 'sample', title: 'Sample', schemes: list, envelopes }, { secret: SECRET })
}

/** A request that the provider signed. */
function signed(of: Scheme, body: Uint8Array): WebhookRequest {
  const headers = sign(sourceOf(of), { body, nowMs: NOW_MS, id: 'msg_1' })
  return { method: 'POST', url: '/', headers: Object.entries(headers).flat(), body }
}

function keysOf(of: Scheme): Keyring {
  return new Keyring([SECRET], of.key)
}

/** Whether it is authentic at any time at all: a refusal for its age alone would hide a forgery. */
function isAuthentic(of: Scheme, request: WebhookRequest): boolean {
  return check(of, keysOf(of), request, { nowMs: NOW_MS, toleranceSeconds: Infinity }).ok
}

function withHeader(request: WebhookRequest, name: string, value: string): WebhookRequest {
  const at = request.headers.indexOf(name)
  return { ...request, headers: request.headers.with(at + 1, value) }
}

function header(request: WebhookRequest, name: string): string {
  return request.headers[request.headers.indexOf(name) + 1]!
}

function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  const at = Math.floor(bit / 8) % copy.length
  copy[at] = copy[at]! ^ (1 << (bit % 8))
  return copy
}

const anyScheme = fc.constantFrom(...schemes)
const anyBody = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.json().map((text) => Buffer.from(text)),
)
const nonEmptyBody = fc.uint8Array({ minLength: 1, maxLength: 200 })
const bit = fc.nat()

describe('no request makes verification throw', () => {
  const names = [
    'x-signature',
    'X-SIGNATURE',
    'x-timestamp',
    'x-id',
    'x-version',
    '__proto__',
    'constructor',
    '',
  ]
  const values = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.constantFrom(
      '',
      '1700000000',
      '2026-02-30T00:00:00Z',
      't=1,t=2,v1=',
      'v1,v1,v1',
      'sha256=',
      'v1=ab',
      '%',
      '=,=',
    ),
    fc.string({ unit: fc.constantFrom(...'v1=,; .ab09'), maxLength: 5000 }),
  )
  const headers = fc
    .array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string()), values), { maxLength: 8 })
    .map((pairs) => pairs.flat())
  const all = sourceOf(...schemes)

  it('whatever its bytes, headers, method and URL', () => {
    fc.assert(
      fc.property(headers, anyBody, fc.string(), fc.webUrl(), fc.nat(), (list, body, method, url, nowMs) => {
        const verdict = verifyRequest({ method, url, headers: list, body }, all, nowMs)
        expect(verdict.ok).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it('nor one with an odd number of header texts', () => {
    fc.assert(
      fc.property(fc.array(values), anyBody, (list, body) => {
        expect(verifyRequest({ method: '', url: '', headers: list, body }, all, NOW_MS).ok).toBe(false)
      }),
      RUNS,
    )
  })

  it('nor an authentic one, whatever its body', () => {
    fc.assert(
      fc.property(anyScheme, anyBody, (of, body) => {
        const verdict = verifyRequest(signed(of, body), sourceOf(of), NOW_MS)
        expect(verdict.ok || verdict.reason === 'malformed_body').toBe(true)
      }),
      RUNS,
    )
  })

  it('nor a Fetch request', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1 }), fc.nat({ max: 100 }), async (body, maxBodyBytes) => {
        const limited = { ...all, maxBodyBytes }
        const verdict = await verify(
          new Request('https://example.com', { method: 'POST', body: Buffer.from(body) }),
          limited,
        )
        expect(verdict.ok).toBe(false)
      }),
      { numRuns: 100 },
    )
  })

  it('and no body pollutes a prototype', () => {
    const body = Buffer.from(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"type":"__proto__"}',
    )
    expect(verifyRequest(signed(single[0]!, body), sourceOf(single[0]!), NOW_MS).ok).toBe(true)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('what the provider signed verifies', () => {
  it('under every scheme, whatever the bytes', () => {
    fc.assert(
      fc.property(anyScheme, anyBody, (of, body) => {
        expect(check(of, keysOf(of), signed(of, body), { nowMs: NOW_MS })).toEqual({
          ok: true,
          secretIndex: 0,
        })
      }),
      RUNS,
    )
  })

  it('and is read to one id, however often', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('id', 'type', 'event', 'x'), fc.jsonValue()), (fields) => {
        const request = signed(single[1]!, Buffer.from(JSON.stringify(fields)))
        const one = verifyRequest(request, sourceOf(single[1]!), NOW_MS)
        expect(verifyRequest(request, sourceOf(single[1]!), NOW_MS)).toEqual(one)
        expect(one.ok).toBe(true)
      }),
      RUNS,
    )
  })
})

describe('one flipped bit never verifies', () => {
  it('in the body', () => {
    fc.assert(
      fc.property(anyScheme, nonEmptyBody, bit, (of, body, at) => {
        expect(isAuthentic(of, { ...signed(of, body), body: flipped(body, at) })).toBe(false)
      }),
      RUNS,
    )
  })

  it('in the text of the timestamp', () => {
    const timed = schemes.filter((each) => each.timestamp !== undefined && 'header' in each.timestamp.in)
    fc.assert(
      fc.property(fc.constantFrom(...timed), nonEmptyBody, bit, (of, body, at) => {
        const request = signed(of, body)
        const text = flipped(Buffer.from(header(request, 'x-timestamp'), 'latin1'), at).toString('latin1')
        expect(isAuthentic(of, withHeader(request, 'x-timestamp', text))).toBe(false)
      }),
      RUNS,
    )
  })

  it('in the timestamp of a signature header', () => {
    const pairs = schemes.find(({ name }) => name === 'pairs')!
    fc.assert(
      fc.property(nonEmptyBody, fc.nat({ max: 79 }), (body, at) => {
        const request = signed(pairs, body)
        const value = header(request, 'x-signature')
        const changed = flipped(Buffer.from(value.slice(2, 12)), at).toString('latin1')
        expect(isAuthentic(pairs, withHeader(request, 'x-signature', `t=${changed}${value.slice(12)}`))).toBe(
          false,
        )
      }),
      RUNS,
    )
  })

  it('in the signed id', () => {
    const withId = schemes.filter((each) => each.id !== undefined)
    fc.assert(
      fc.property(fc.constantFrom(...withId), nonEmptyBody, bit, (of, body, at) => {
        const changed = flipped(Buffer.from('msg_1'), at).toString('latin1')
        expect(isAuthentic(of, withHeader(signed(of, body), 'x-id', changed))).toBe(false)
      }),
      RUNS,
    )
  })

  it('in the signature', () => {
    fc.assert(
      fc.property(fc.constantFrom(...single), anyBody, bit, (of, body, at) => {
        const request = signed(of, body)
        const { prefix = '', encoding } = of.signature
        const bytes = decodeStrictly(header(request, 'x-signature').slice(prefix.length), encoding)!
        const changed = prefix + encode(flipped(bytes, at), encoding)
        expect(isAuthentic(of, withHeader(request, 'x-signature', changed))).toBe(false)
      }),
      RUNS,
    )
  })

  it('in the text of the signature, unless it is the case of a hexadecimal digit', () => {
    fc.assert(
      fc.property(fc.constantFrom(...single), anyBody, bit, (of, body, at) => {
        const request = signed(of, body)
        const text = header(request, 'x-signature')
        const { prefix = '', encoding } = of.signature
        const changed = flipped(Buffer.from(text), at).toString('latin1')
        const sameHex =
          encoding === 'hex' && changed.startsWith(prefix) && changed.toLowerCase() === text.toLowerCase()
        expect(isAuthentic(of, withHeader(request, 'x-signature', changed))).toBe(sameHex)
      }),
      { numRuns: 1000 },
    )
  })

  it('in the secret', () => {
    fc.assert(
      fc.property(anyScheme, anyBody, bit, (of, body, at) => {
        const other = new Keyring([flipped(Buffer.from(SECRET), at - (at % 8)).toString('latin1')], of.key)
        expect(check(of, other, signed(of, body), { nowMs: NOW_MS }).ok).toBe(false)
      }),
      RUNS,
    )
  })
})

describe('a part of a signature is no signature', () => {
  it('no prefix of one verifies', () => {
    fc.assert(
      fc.property(fc.constantFrom(...single), anyBody, fc.nat({ max: 200 }), (of, body, length) => {
        const request = signed(of, body)
        const text = header(request, 'x-signature')
        const prefix = text.slice(0, length % text.length)
        expect(isAuthentic(of, withHeader(request, 'x-signature', prefix))).toBe(false)
      }),
      RUNS,
    )
  })

  it('no extension of one verifies', () => {
    const more = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom('0', '00', '=', '==', ' ', '\n', '\0', ',', ', x', '\u00a0', 'ＡＡ'),
    )
    fc.assert(
      fc.property(fc.constantFrom(...single), anyBody, more, fc.boolean(), (of, body, text, after) => {
        const request = signed(of, body)
        const value = header(request, 'x-signature')
        const longer = after ? value + text : text + value
        expect(isAuthentic(of, withHeader(request, 'x-signature', longer))).toBe(false)
      }),
      RUNS,
    )
  })

  it('nor does one in another encoding', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...single),
        anyBody,
        fc.constantFrom<Encoding>('hex', 'base64', 'base64url'),
        (of, body, encoding) => {
          const request = signed(of, body)
          const { prefix = '', encoding: own } = of.signature
          const bytes = decodeStrictly(header(request, 'x-signature').slice(prefix.length), own)!
          const again = withHeader(request, 'x-signature', prefix + encode(bytes, encoding))
          expect(isAuthentic(of, again)).toBe(encoding === own)
        },
      ),
      RUNS,
    )
  })

  it('nor one that is all zeros, or none', () => {
    fc.assert(
      fc.property(fc.constantFrom(...single), anyBody, fc.nat({ max: 80 }), (of, body, length) => {
        const { prefix = '', encoding } = of.signature
        const zeros = prefix + encode(new Uint8Array(length), encoding)
        expect(isAuthentic(of, withHeader(signed(of, body), 'x-signature', zeros))).toBe(false)
      }),
      RUNS,
    )
  })
})

describe('a signed text has one reading', () => {
  const iso = new Date(NOW_MS).toISOString()
  /** Bodies full of what could be taken for a time or a boundary. */
  const trap = fc
    .array(fc.constantFrom('.', ':', '1700000000', iso, '0', '{', 'x', 'v0:', 'Z'), { maxLength: 8 })
    .map((pieces) => pieces.join(''))

  it.each([
    ['bare', '.', '1700000000', (text: string) => text],
    ['rfc3339', '', iso, (text: string) => text],
    ['slack', ':', '1700000000', (text: string) => `v0:${text}`],
  ] as const)('where the scheme is time and body: %s', (name, separator, stamp, whole) => {
    const of = schemes.find((each) => each.name === name)!
    fc.assert(
      fc.property(trap, (body) => {
        const text = stamp + separator + body
        const signature = createHmac('sha256', SECRET).update(whole(text)).digest('hex')
        expect(isAuthentic(of, requestOf({ 'x-timestamp': stamp, 'x-signature': signature }, body))).toBe(
          true,
        )
        for (const [before, after] of cuts(text, separator, stamp.length)) {
          const shifted = requestOf({ 'x-timestamp': before, 'x-signature': signature }, after)
          expect(isAuthentic(of, shifted)).toBe(false)
        }
      }),
      RUNS,
    )
  })

  it('where the scheme is body and time', () => {
    const of = schemes.find(({ name }) => name === 'body-first')!
    fc.assert(
      fc.property(trap, (body) => {
        const text = body + iso
        const signature = createHmac('sha256', SECRET).update(text).digest('hex')
        expect(isAuthentic(of, requestOf({ 'x-timestamp': iso, 'x-signature': signature }, body))).toBe(true)
        for (const [before, after] of cuts(text, '', body.length)) {
          expect(isAuthentic(of, requestOf({ 'x-timestamp': after, 'x-signature': signature }, before))).toBe(
            false,
          )
        }
      }),
      RUNS,
    )
  })

  it.each([
    ['standard-webhooks', '.', '1700000000'],
    ['twitch', '', iso],
  ] as const)('where the scheme is id, time and body: %s', (name, separator, stamp) => {
    const of = schemes.find((each) => each.name === name)!
    const { prefix = '', encoding } = of.signature
    fc.assert(
      fc.property(trap, (body) => {
        const text = ['msg_1', stamp, body].join(separator)
        const signature = prefix + createHmac('sha256', SECRET).update(text).digest(encoding)
        const own = { 'x-id': 'msg_1', 'x-timestamp': stamp, 'x-signature': signature }
        expect(isAuthentic(of, requestOf(own, body))).toBe(true)
        for (const [first, rest] of cuts(text, separator, -1)) {
          for (const [second, third] of cuts(rest, separator, first === 'msg_1' ? stamp.length : -1)) {
            const shifted = { 'x-id': first, 'x-timestamp': second, 'x-signature': signature }
            expect(isAuthentic(of, requestOf(shifted, third))).toBe(false)
          }
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('a rewrite that still verifies is the same event', () => {
  const source = vastai({ secret: SECRET })
  const bodies = fc.oneof(
    fc.record({ event_id: fc.string(), notif_type: fc.constantFrom('outbid', '', 'low_credit') }),
    fc.record({ id: fc.string(), type: fc.string(), data: fc.jsonValue() }),
    fc.record({ event_id: fc.string(), notif_type: fc.string(), id: fc.string(), type: fc.string() }),
    fc.record({ type: fc.constantFrom('resource.created') }),
    fc.dictionary(fc.string(), fc.jsonValue()),
  )

  /** What the store would remember it by. */
  function remembered(request: WebhookRequest): unknown {
    const verdict = verifyRequest(request, source, NOW_MS)
    if (!verdict.ok) return verdict
    const event = newEvent('vastai', source, request, verdict, [])
    const { idKind, data } = verdict.read
    const { digest, records } = fingerprintOf(event)
    return { id: event.id, type: event.type, records, digest, idKind, data }
  }

  function captured(fields: object): WebhookRequest {
    const body = Buffer.from(JSON.stringify(fields))
    const headers = sign(source, { body, nowMs: NOW_MS, scheme: 'vast-signature-256' })
    return { method: 'POST', url: '/', headers: Object.entries(headers).flat(), body }
  }

  it("under the other scheme's headers", () => {
    fc.assert(
      fc.property(bodies, (fields) => {
        const request = captured(fields)
        const renamed = [
          'x-vastai-signature',
          header(request, 'x-vast-signature-256').slice('sha256='.length),
          'x-vastai-timestamp',
          header(request, 'x-vast-timestamp'),
        ]
        const replayed = { ...request, headers: renamed }
        expect(verifyRequest(request, source, NOW_MS)).toMatchObject({
          ok: true,
          scheme: 'vast-signature-256',
        })
        expect(verifyRequest(replayed, source, NOW_MS)).toMatchObject({ ok: true, scheme: 'vastai-template' })
        expect(remembered(replayed)).toEqual(remembered(request))
      }),
      RUNS,
    )
  })

  const extra = fc.array(
    fc.tuple(
      fc.constantFrom(
        'x-vast-event-id',
        'X-Vast-Delivery-Attempt',
        'x-id',
        'webhook-id',
        'cookie',
        'x-vastai-timestamp',
      ),
      fc.string(),
    ),
    { maxLength: 4 },
  )

  it('with headers in other case, in other order, beside others, and with hex in other case', () => {
    fc.assert(
      fc.property(bodies, extra, fc.boolean(), fc.boolean(), (fields, more, reverse, upper) => {
        const request = captured(fields)
        const pairs = [
          ['X-VAST-Timestamp', header(request, 'x-vast-timestamp')],
          [
            'X-Vast-SIGNATURE-256',
            `sha256=${header(request, 'x-vast-signature-256').slice(7)[upper ? 'toUpperCase' : 'toLowerCase']()}`,
          ],
        ]
        const list = [...(reverse ? pairs.toReversed() : pairs), ...more].flat()
        expect(remembered({ ...request, headers: list })).toEqual(remembered(request))
      }),
      RUNS,
    )
  })

  it('with another method and URL, which these schemes do not sign', () => {
    fc.assert(
      fc.property(bodies, fc.string(), fc.webUrl({ withQueryParameters: true }), (fields, method, url) => {
        const request = captured(fields)
        expect(remembered({ ...request, method, url })).toEqual(remembered(request))
      }),
      RUNS,
    )
  })
})

describe('readers of a part', () => {
  it('decode exactly what they encode', () => {
    fc.assert(
      fc.property(fc.constantFrom<Encoding>('hex', 'base64', 'base64url'), fc.string(), (encoding, text) => {
        const bytes = decodeStrictly(text, encoding)
        const again = bytes && encode(bytes, encoding)
        expect(again ?? text).toBe(encoding === 'hex' && bytes ? text.toLowerCase() : text)
      }),
      RUNS,
    )
  })

  it('read back every whole second they could have written', () => {
    fc.assert(
      fc.property(fc.nat({ max: 4_000_000_000 }), (seconds) => {
        expect(parseTimestamp(String(seconds), 'seconds')).toBe(seconds * 1000)
        expect(parseTimestamp(new Date(seconds * 1000).toISOString(), 'rfc3339')).toBe(seconds * 1000)
      }),
      RUNS,
    )
  })

  it('find nothing in a prototype, on any path', () => {
    const path = fc.array(fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'length', 'a'))
    fc.assert(
      fc.property(fc.jsonValue(), path, (value, names) => {
        expect(typeof readPath(value, names)).not.toBe('function')
      }),
      RUNS,
    )
  })
})

function requestOf(headers: Record<string, string>, body: string): WebhookRequest {
  return { method: 'POST', url: '/', headers: Object.entries(headers).flat(), body: Buffer.from(body) }
}

/** Every way to cut a text into two at a separator, except the sender's own. */
function cuts(text: string, separator: string, own: number): [string, string][] {
  return [...text.matchAll(new RegExp(separator && `\\${separator}`, 'g'))]
    .map(({ index }) => index)
    .filter((index) => index !== own)
    .map((index) => [text.slice(0, index), text.slice(index + separator.length)])
}
