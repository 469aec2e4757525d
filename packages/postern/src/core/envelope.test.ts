import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MAX_NAME_LENGTH, readData, readEvent, UNKNOWN_TYPE, type ReadEvent } from './envelope.ts'
import type { Envelope, Provider } from './provider.ts'
import type { WebhookRequest } from './request.ts'
import type { SignatureScheme as Scheme } from './scheme.ts'
import { defineSource, type Source } from './source.ts'

const scheme: Scheme = {
  name: 'body',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
}

const first: Envelope = { name: 'first', id: [{ json: ['event_id'] }], type: { json: ['kind'] } }
const second: Envelope = { name: 'second', id: [{ json: ['id'] }], type: { json: ['type'] }, data: ['data'] }
const byHeader: Envelope = { name: 'header', id: [{ header: 'x-id' }], type: { json: ['event'] } }

const provider: Omit<Provider, 'envelopes'> = { name: 'sample', title: 'Sample', schemes: [scheme] }

function source(...envelopes: Envelope[]): Source {
  return defineSource({ ...provider, envelopes })
}

function request(body: unknown, headers: readonly string[] = []): WebhookRequest {
  return { method: 'POST', url: '', headers, body: Buffer.from(JSON.stringify(body)) }
}

function raw(text: string): WebhookRequest {
  return { method: 'POST', url: '', headers: [], body: Buffer.from(text) }
}

/** The id that an event gets where it brings none that can be kept. */
function digestId(body: unknown): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(body)).digest('hex')}`
}

function event(envelopes: readonly Envelope[], body: unknown, headers: readonly string[] = []): ReadEvent {
  return readEvent(source(...envelopes), request(body, headers))!
}

describe('the envelope that counts', () => {
  it('is the one whose id and type are there', () => {
    expect(event([first, second], { event_id: 'a', kind: 'k' })).toMatchObject({ id: 'a', type: 'k' })
    expect(event([first, second], { id: 'b', type: 't' })).toMatchObject({ id: 'b', type: 't' })
  })

  it('is the first where several fit, whatever the order of the body', () => {
    const both = { id: 'b', type: 't', event_id: 'a', kind: 'k' }
    expect(event([first, second], both)).toMatchObject({ id: 'a', type: 'k' })
    expect(event([second, first], both)).toMatchObject({ id: 'b', type: 't' })
  })

  it('needs a type: an id of another envelope alone does not choose it', () => {
    expect(event([first, second], { event_id: 'a', id: 'b', type: 't' })).toMatchObject({
      id: 'b',
      type: 't',
    })
  })

  it('is one with a signed id before one with an unsigned id', () => {
    const body = { event: 'e', id: 'b', type: 't' }
    expect(event([byHeader, second], body, ['x-id', 'h'])).toMatchObject({
      id: 'b',
      type: 't',
      idKind: 'signed',
    })
    expect(event([byHeader, second], { event: 'e' }, ['x-id', 'h'])).toMatchObject({
      id: 'h',
      type: 'e',
      idKind: 'unsigned',
    })
  })

  it('still gives the type where no envelope gives an id', () => {
    const body = { type: 't', data: { a: 1 } }
    const read = event([first, second], body)
    expect(read).toMatchObject({ type: 't', idKind: 'digest', data: { a: 1 } })
    expect(read.id).toBe(digestId(body))
  })

  it('is one whose id is there before one whose id is not, of one type', () => {
    const other: Envelope = { ...second, name: 'other', id: [{ json: ['other'] }] }
    expect(event([second, other], { other: 'o', type: 't' })).toMatchObject({ id: 'o', idKind: 'signed' })
    const otherHeader: Envelope = { ...byHeader, name: 'other', id: [{ header: 'x-other' }] }
    expect(event([byHeader, otherHeader], { event: 'e' }, ['x-other', 'o'])).toMatchObject({
      id: 'o',
      idKind: 'unsigned',
    })
  })

  it('is none of a request that has a text where there must be none', () => {
    const unless: Envelope = { ...first, unless: { json: ['more'] } }
    const body = { event_id: 'a', kind: 'k', id: 'b', type: 't' }
    expect(event([unless, second], body)).toMatchObject({ id: 'a', type: 'k' })
    expect(event([unless, second], { ...body, more: 'm' })).toMatchObject({ id: 'b', type: 't' })
    expect(event([unless, second], { ...body, more: '' })).toMatchObject({ id: 'b', type: 't' })
    expect(event([unless], { ...body, more: 'm' })).toMatchObject({ type: UNKNOWN_TYPE, idKind: 'digest' })
  })

  it('is one that says nothing of types, of any request: its id counts', () => {
    const untyped: Envelope = { name: 'untyped', id: [{ json: ['id'] }] }
    expect(event([untyped], { id: 'a', type: 't' })).toMatchObject({ id: 'a', type: UNKNOWN_TYPE })
    expect(event([untyped], { type: 't' })).toMatchObject({ type: UNKNOWN_TYPE, idKind: 'digest' })
  })

  it('is not chosen by any header that a scheme does not sign', () => {
    const body = { id: 'b', type: 't' }
    const plain = event([first, second], body)
    expect(event([first, second], body, ['x-event-id', 'z', 'x-signature', 'q'])).toEqual(plain)
  })
})

describe('an id', () => {
  it.each([
    ['an empty text', ''],
    ['a NUL inside', 'a\0b'],
    ['a lone high surrogate', 'a\uD800'],
    ['a lone low surrogate', '\uDC00a'],
    ['surrogates in the wrong order', '\uDC00\uD800'],
    ['9 KB', 'x'.repeat(9 * 1024)],
    ['256 characters', 'x'.repeat(256)],
    ['U+FFFD', 'a\uFFFDb'],
    ['null', null],
    ['true', true],
    ['an object', { id: 'a' }],
    ['a list', ['a']],
    ['a fraction', 1.5],
    ['a number that JSON cannot carry exactly', 2 ** 53],
  ])('of %s is not kept: the body stands for it', (_, id) => {
    const read = event([second], { id, type: 't' })
    expect(read).toMatchObject({ id: digestId({ id, type: 't' }), idKind: 'digest', type: 't' })
  })

  it.each([
    ['255 characters', 'x'.repeat(MAX_NAME_LENGTH), 'x'.repeat(MAX_NAME_LENGTH)],
    ['an emoji', '🎉', '🎉'],
    ['line breaks', 'a\r\nb', 'a\r\nb'],
    ['a space', ' ', ' '],
    ['zero', 0, '0'],
    ['the largest exact number', 9_007_199_254_740_991, '9007199254740991'],
    ['`__proto__`', '__proto__', '__proto__'],
  ])('of %s is kept', (_, id, text) => {
    expect(event([second], { id, type: 't' })).toMatchObject({ id: text, idKind: 'signed' })
  })

  it('with a byte that is no UTF-8 is not kept, so that two such bytes are two events', () => {
    expect(withByte(0xff)).toMatchObject({ idKind: 'digest' })
    expect(withByte(0xff).id).not.toBe(withByte(0xfe).id)
  })

  it('is the same for the same body, and another for another', () => {
    expect(event([second], { type: 't', n: 1 }).id).toBe(event([second], { type: 't', n: 1 }).id)
    expect(event([second], { type: 't', n: 1 }).id).not.toBe(event([second], { type: 't', n: 2 }).id)
  })

  it('cannot be forged to be a digest id of another body', () => {
    const victim = event([second], { type: 't', n: 1 })
    expect(event([second], { id: victim.id, type: 't' })).toMatchObject({ id: victim.id, idKind: 'signed' })
    expect(victim.idKind).toBe('digest')
  })

  it('in a header that came twice is absent', () => {
    expect(event([byHeader], { event: 'e' }, ['x-id', 'a', 'X-Id', 'b'])).toMatchObject({ idKind: 'digest' })
  })

  it('that the body holds twice is the last, as JSON.parse reads it', () => {
    expect(readEvent(source(second), raw('{"id":"a","id":"b","type":"t"}'))).toMatchObject({ id: 'b' })
  })
})

describe('an id of a provider whose every arrival is an event', () => {
  const every = defineSource({ ...provider, envelopes: [second], everyArrival: true })

  it('is another one each time, whatever the request brings, and needs no other guard', () => {
    const read = [1, 2].map(() => readEvent(every, request({ id: 'a', type: 't' }))!)
    for (const { id, idKind, type } of read) {
      expect(id).toMatch(/^arrival:[0-9a-f]{32}$/)
      expect([idKind, type]).toEqual(['signed', 't'])
    }
    expect(read[0]!.id).not.toBe(read[1]!.id)
  })
})

describe('an id of several places', () => {
  const several: Envelope = { name: 's', id: [{ json: ['a'] }, { json: ['b'] }], type: { json: ['type'] } }

  it('is their JSON array', () => {
    expect(event([several], { a: 'x', b: 1, type: 't' }).id).toBe('["x","1"]')
  })

  it('never meets that of other parts', () => {
    const ids = [
      { a: 'x', b: 'y' },
      { a: 'xy', b: '' },
      { a: '', b: 'xy' },
      { a: 'x","y', b: '' },
      { a: '["x"', b: '"y"]' },
      { a: 'x,', b: 'y' },
      { a: 'x\0', b: 'y' },
      { a: 'x\\u0000', b: 'y' },
    ].map((parts) => event([several], { ...parts, type: 't' }).id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('is absent where one of them is', () => {
    expect(event([several], { a: 'x', type: 't' })).toMatchObject({ idKind: 'digest' })
  })

  it('is absent where they are too long together', () => {
    const half = 'x'.repeat(130)
    expect(event([several], { a: half, b: half, type: 't' })).toMatchObject({ idKind: 'digest' })
  })

  // One place with an empty text is absent; two of them make `["",""]`, one id for every such event.
  it('is absent where all of them are empty', () => {
    expect(event([several], { a: '', b: '', type: 't' })).toMatchObject({ idKind: 'digest' })
  })

  it('of no place at all is absent', () => {
    expect(event([{ ...several, id: [] }], { type: 't' })).toMatchObject({ idKind: 'digest', type: 't' })
  })
})

describe('a type', () => {
  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['null', null],
    ['an object', { a: 1 }],
    ['256 characters', 'x'.repeat(256)],
    ['a text with NUL', 'a\0'],
    ['a lone surrogate', '\uD800'],
  ])('that is %s is unknown, and the event is kept', (_, type) => {
    const read = event([second], { type, data: 1, n: 1 })
    expect(read).toMatchObject({ type: UNKNOWN_TYPE, idKind: 'digest' })
  })

  it.each(['__proto__', 'constructor', 'toString', 'x\n{"level":"info"}', '*', ' '])(
    '%j is only a text',
    (type) => {
      expect(event([second], { id: 'a', type })).toMatchObject({ id: 'a', type })
    },
  )

  it('is not looked for in prototypes', () => {
    const hostile: Envelope = { ...second, type: { json: ['constructor', 'name'] } }
    expect(event([hostile], { id: 'a' }).type).toBe(UNKNOWN_TYPE)
  })
})

describe('created', () => {
  const seconds: Envelope = { ...second, created: { in: { json: ['at'] }, unit: 'seconds' } }
  const milliseconds: Envelope = { ...second, created: { in: { json: ['at'] }, unit: 'milliseconds' } }
  const iso: Envelope = { ...second, created: { in: { json: ['at'] }, unit: 'rfc3339' } }
  const inHeader: Envelope = { ...second, created: { in: { header: 'x-at' }, unit: 'seconds' } }

  it('is read in the unit of the envelope', () => {
    expect(created(seconds, 1772490000)).toBe(1_772_490_000_000)
    expect(created(seconds, '1772490000')).toBe(1_772_490_000_000)
    expect(created(seconds, 1772490000.123)).toBe(1_772_490_000_123)
    expect(created(milliseconds, 1772490000123)).toBe(1_772_490_000_123)
    expect(created(iso, '2026-03-02T22:20:00.123456789Z')).toBe(Date.parse('2026-03-02T22:20:00.123Z'))
    expect(created(inHeader, undefined, ['x-at', '1772490000'])).toBe(1_772_490_000_000)
  })

  it.each([-1, 1e300, 1e13, Infinity, true, null, {}, [1], '', 'now', '1.5', '2026-03-02T22:20:00Z'])(
    'of %j in seconds is absent, and the event is kept',
    (at) => {
      expect(created(seconds, at)).toBeUndefined()
      expect(event([seconds], { id: 'a', type: 't', at }).id).toBe('a')
    },
  )

  it.each([1772490000, '1772490000', '2026-02-30T00:00:00Z', 'yesterday'])(
    'of %j in RFC 3339 is absent',
    (at) => {
      expect(created(iso, at)).toBeUndefined()
    },
  )

  it('is absent where the envelope has none', () => {
    expect(event([second], { id: 'a', type: 't' }).createdMs).toBeUndefined()
  })

  it('is a time that a Date can hold, from the epoch to its last millisecond', () => {
    expect(created(seconds, 0)).toBe(0)
    expect(created(milliseconds, 8.64e15)).toBe(8.64e15)
    expect(created(milliseconds, 8.64e15 + 1)).toBeUndefined()
  })

  it('as a text is a time that a Date can hold, or absent', () => {
    const ms = created(seconds, '999999999999999') ?? 0
    expect(new Date(ms).getTime()).not.toBeNaN()
  })
})

describe('an ordering key', () => {
  const ordered: Envelope = { ...second, orderingKey: [{ json: ['resource'] }] }

  it('is read from its places', () => {
    expect(event([ordered], { id: 'a', type: 't', resource: 'r1' }).orderingKey).toBe('r1')
    const two: Envelope = { ...second, orderingKey: [{ json: ['x'] }, { json: ['y'] }] }
    expect(event([two], { id: 'a', type: 't', x: 'r', y: 2 }).orderingKey).toBe('["r","2"]')
  })

  it('is absent where it is missing or cannot be kept', () => {
    expect(event([ordered], { id: 'a', type: 't' }).orderingKey).toBeUndefined()
    expect(event([ordered], { id: 'a', type: 't', resource: 'a\0' }).orderingKey).toBeUndefined()
  })
})

describe('the data', () => {
  it('is the whole body, or the part of it that the envelope names', () => {
    expect(event([first], { event_id: 'a', kind: 'k', x: 1 }).data).toEqual({
      event_id: 'a',
      kind: 'k',
      x: 1,
    })
    expect(event([second], { id: 'a', type: 't', data: { x: 1 } }).data).toEqual({ x: 1 })
    expect(event([second], { id: 'a', type: 't' }).data).toBeUndefined()
  })

  it.each([
    { event_id: 'a', kind: 'k' },
    { id: 'b', type: 't', data: [1, 2] },
    { type: 't', data: 'x' },
    { nothing: 'known' },
    [1, 2, 3],
  ])('is read from the stored request as it was when it came: %j', (body) => {
    const both = source(first, second)
    expect(readData(both, request(body))).toEqual(readEvent(both, request(body))?.data)
  })
})

describe('a body', () => {
  it.each(['', ' ', 'Hello', 'null', 'true', '1', '"text"', '{', '{"a":1}{"b":2}', 'a=1&b=2'])(
    'that is no object and no list cannot be read: %j',
    (text) => {
      expect(readEvent(source(second), raw(text))).toBeUndefined()
    },
  )

  it('that cannot be read is kept where the provider says so: as its bytes alone', () => {
    const kept = defineSource({
      ...provider,
      unreadableBody: 'keep',
      envelopes: [{ ...byHeader, type: { header: 'x-type' } }],
    })
    const unreadable = { ...raw('Hello'), headers: ['x-id', 'a', 'x-type', 't'] }
    expect(readEvent(kept, unreadable)).toEqual({
      id: `sha256:${createHash('sha256').update('Hello').digest('hex')}`,
      idKind: 'digest',
      type: 'unknown',
      createdMs: undefined,
      orderingKey: undefined,
      data: undefined,
    })
    expect(readEvent(kept, { ...unreadable, body: Buffer.from('{}') })).toMatchObject({ id: 'a', type: 't' })
  })

  it('may be a list, or have a byte order mark', () => {
    expect(readEvent(source(second), raw('[]'))).toMatchObject({
      type: UNKNOWN_TYPE,
      idKind: 'digest',
    })
    expect(readEvent(source(second), raw('\uFEFF{"id":"a","type":"t"}'))).toMatchObject({
      id: 'a',
      type: 't',
    })
  })
})

function withByte(byte: number): ReadEvent {
  const body = Buffer.concat([Buffer.from('{"type":"t","id":"'), Buffer.of(byte), Buffer.from('"}')])
  return readEvent(source(second), { method: 'POST', url: '', headers: [], body })!
}

function created(envelope: Envelope, at: unknown, headers: readonly string[] = []): number | undefined {
  return event([envelope], { id: 'a', type: 't', at }, headers).createdMs
}
