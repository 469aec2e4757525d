import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { CheckResult } from './check.ts'
import { deriveJoined, itemHmacs } from './item-hmacs.ts'
import { Keyring } from './keyring.ts'
import { readable } from './place.ts'
import type { WebhookRequest } from './request.ts'
import type { DerivedPart, Place, SignatureScheme } from './scheme.ts'

const SECRET = 'a signing secret, long enough'
const TEXT = { json: ['text'] }

const joined: DerivedPart = {
  derived: 'joined',
  places: [{ json: ['id'] }, TEXT, { json: ['end'] }],
  separator: ':',
  free: TEXT,
}
const scheme: SignatureScheme = {
  name: 'items',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ json: ['signed', 'by'] }], encoding: 'hex' },
  content: [joined],
  derives: 'items',
  each: ['in', 'list'],
}

function hmac(content: string, algorithm = 'sha256', secret = SECRET): string {
  return createHmac(algorithm, secret).update(content).digest('hex')
}

function item(id: string, text: string, by = hmac(`${id}:${text}:`)): object {
  return { id, text, signed: { by } }
}

function request(body: unknown, headers: readonly string[] = []): WebhookRequest {
  return { method: 'POST', url: '/', headers, body: Buffer.from(JSON.stringify(body)) }
}

function checked(list: unknown, keys = new Keyring([SECRET], scheme.key)): CheckResult {
  return itemHmacs.check(scheme, keys, request({ in: { list } }), { nowMs: 0 })
}

function reasonOf(list: unknown): string {
  const result = checked(list)
  return result.ok ? 'ok' : result.reason
}

describe('a request with a signature of each item', () => {
  it.each(['sha1', 'sha256', 'sha512'] as const)('passes with HMACs of %s', (name) => {
    const own: SignatureScheme = { ...scheme, algorithm: `hmac-${name}` }
    const body = { in: { list: [item('1', 'a', hmac('1:a:', name)), item('2', '', hmac('2::', name))] } }
    const keys = itemHmacs.keyring([SECRET], own)
    expect(itemHmacs.algorithms).toContain(own.algorithm)
    expect(itemHmacs.check(own, keys, request(body), { nowMs: 0 })).toEqual({ ok: true, secretIndex: 0 })
  })

  it('passes where all of them are authentic', () => {
    expect(reasonOf([item('1', 'a')])).toBe('ok')
    expect(reasonOf([item('1', 'a'), item('2', 'b'), item('3', 'c')])).toBe('ok')
    for (const wrong of [0, 1, 2]) {
      const list = ['1', '2', '3'].map((id, at) =>
        at === wrong ? item(id, 'a', hmac('other')) : item(id, 'a'),
      )
      expect(reasonOf(list)).toBe('signature_mismatch')
    }
  })

  it('reports the item that got least far, wherever it stands', () => {
    const [forged, unsigned] = [item('1', 'a', hmac('other')), { id: '2' }]
    expect(reasonOf([item('1', 'a'), forged, unsigned])).toBe('missing_header')
    expect(reasonOf([unsigned, item('1', 'a'), forged])).toBe('missing_header')
  })

  it('names the secret of its first item', () => {
    const old = 'the secret before it, for a while'
    const keys = new Keyring([SECRET, old], scheme.key)
    const byOld = item('1', 'a', hmac('1:a:', 'sha256', old))
    expect(checked([byOld, item('2', 'a')], keys)).toEqual({ ok: true, secretIndex: 1 })
    expect(checked([item('2', 'a'), byOld], keys)).toEqual({ ok: true, secretIndex: 0 })
  })

  it.each([
    ['no items', []],
    ['an object', { length: 1, 0: item('1', 'a') }],
    ['a text', 'items'],
    ['null', null],
    ['a hundred and one', Array.from({ length: 101 }, () => item('1', 'a'))],
  ])('is nothing that is signed with %s in their place', (_, list) => {
    expect(reasonOf(list)).toBe('missing_content')
  })

  it('has up to a hundred items', () => {
    expect(reasonOf(Array.from({ length: 100 }, () => item('1', 'a')))).toBe('ok')
  })

  it.each([[1], [null], ['a'], [[]]])('is refused, and no throw, with %j for an item', (only) => {
    expect(reasonOf([only])).toBe('missing_header')
  })

  it('is refused for our lack of a secret, whatever it holds', () => {
    const keys = new Keyring([], scheme.key)
    for (const list of [[item('1', 'a')], [], undefined])
      expect(checked(list, keys)).toEqual({ ok: false, reason: 'no_secret' })
  })
})

describe('joined texts', () => {
  function join(part: DerivedPart, body: unknown, headers: readonly string[] = []): unknown {
    const own = request(body, headers)
    return deriveJoined(part, own, readable(own))
  }

  it('have the separator between them, and nothing in place of one that is absent', () => {
    expect(join(joined, { id: '1', text: 'a', end: 'z' })).toBe('1:a:z')
    expect(join(joined, { end: 7 })).toBe('::7')
    expect(join({ ...joined, separator: '--' }, { id: '1', text: 'a' })).toBe('1--a--')
    expect(join({ ...joined, places: [] }, {})).toBe('')
  })

  // Else the same bytes, cut otherwise, would be another signed item.
  it('are none where another than the free one has the separator', () => {
    expect(join(joined, { id: '1', text: 'a:b', end: 'z' })).toBe('1:a:b:z')
    expect(join(joined, { id: '1:a', text: 'b', end: 'z' })).toBeUndefined()
    expect(join(joined, { id: '1', text: 'a', end: ':' })).toBeUndefined()
  })

  it('are none where one of them came twice', () => {
    const part = { ...joined, places: [{ json: ['id'] }, { header: 'x-more' }] }
    expect(join(part, { id: '1' }, ['X-More', 'a'])).toBe('1:a')
    expect(join(part, { id: '1' }, ['X-More', 'a', 'x-more', 'a'])).toBeUndefined()
  })

  it('are made of nothing else that is derived', () => {
    expect(join({ derived: 'escaped-path' }, {})).toBeUndefined()
  })

  it('of an item may stand in the headers of the request too', () => {
    const own: SignatureScheme = {
      ...scheme,
      content: [{ ...joined, places: [{ header: 'x-more' }, { json: ['id'] }] }],
    }
    const sent = request({ in: { list: [item('1', '', hmac('m:1'))] } }, ['x-more', 'm'])
    expect(itemHmacs.check(own, itemHmacs.keyring([SECRET], own), sent, { nowMs: 0 })).toMatchObject({
      ok: true,
    })
  })
})

describe('the method of items', () => {
  it('takes schemes of items only', () => {
    const { derives: _, ...plain } = scheme
    const listed: SignatureScheme = { ...scheme, derives: 'listed-headers' }
    expect([scheme, plain, listed].map((own) => itemHmacs.takes?.(own))).toEqual([true, false, false])
  })

  it('is of the three HMACs, and of nothing else', () => {
    expect(itemHmacs.algorithms).toEqual(['hmac-sha1', 'hmac-sha256', 'hmac-sha512'])
  })

  it('makes keys as the scheme has them', () => {
    const keys = itemHmacs.keyring(['6b6579'], { ...scheme, key: { as: 'hex' } })
    expect(Buffer.from(keys.first()!).toString()).toBe('key')
  })

  it('complains of a scheme that signs nothing, or does not say where its items are', () => {
    const { each: _, ...nowhere } = scheme
    expect(itemHmacs.complaint(scheme, [])).toBeUndefined()
    expect(itemHmacs.complaint({ ...scheme, each: [] }, [])).toBeUndefined()
    expect(itemHmacs.complaint(nowhere, [])).toBe('does not say where its items are')
    expect(itemHmacs.complaint({ ...nowhere, content: [] }, [])).toBe('signs nothing')
  })
})

describe('what a request of items has signed', () => {
  const content: SignatureScheme['content'] = [
    { literal: 'v1' },
    { derived: 'escaped-path' },
    { header: 'x-signed' },
    'method',
    { ...joined, places: [{ header: 'x-more' }, { json: ['id'] }, TEXT] },
  ]
  const signs = (place: Place, own: Partial<SignatureScheme> = {}): boolean | undefined =>
    itemHmacs.signs?.(place, { ...scheme, content, ...own })

  it('is what the content names, and the joined members of the first item', () => {
    expect(signs({ header: 'x-signed' })).toBe(true)
    expect(signs({ json: ['in', 'list', '0', 'id'] })).toBe(true)
    expect(signs({ json: ['in', 'list', '0', 'text'] })).toBe(true)
  })

  it.each<Place>([
    { json: ['in', 'list', '1', 'id'] },
    { json: ['in', 'list', '0', 'other'] },
    { json: ['in', 'list', 'id'] },
    { json: ['id'] },
    { header: 'x-more' },
    { query: 'id' },
  ])('is not %j', (place) => {
    expect(signs(place)).toBe(false)
  })

  it('is at the top of the body where the items are', () => {
    const place = { json: ['0', 'id'] }
    expect([signs(place, { each: [] }), signs(place)]).toEqual([true, false])
  })
})
