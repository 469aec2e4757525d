import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { canonicalHmacs, deriveCanonical } from './canonical-hmacs.ts'
import type { CheckResult } from './check.ts'
import { readable } from './place.ts'
import type { WebhookRequest } from './request.ts'
import type { DerivedPart, Place, SignatureScheme } from './scheme.ts'

const SECRET = 'a signing secret, long enough'
const NOW_MS = 1_772_490_001_000
const TIME = String(NOW_MS)

const listed = { derived: 'listed-headers', listedIn: 'x-list', must: ['x-list', 'x-time'] } as const
const scheme: SignatureScheme = {
  name: 'listed',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  timestamp: { in: { header: 'x-time' }, unit: 'milliseconds', toleranceSeconds: 30 },
  content: ['method', { derived: 'escaped-path' }, listed, 'body'],
  derives: 'listed-headers',
}

function request(url: string, headers: Readonly<Record<string, string>>): WebhookRequest {
  return { method: 'POST', url, headers: Object.entries(headers).flat(), body: Buffer.from('{}') }
}

function derived(part: DerivedPart, url: string, headers: readonly string[] = []): unknown {
  const own = { ...request(url, {}), headers }
  return deriveCanonical(part, own, readable(own))
}

describe('a request with the headers that its sender lists', () => {
  const headers = { 'x-list': 'x-list,x-more,x-time', 'x-time': TIME, 'x-more': ' a; b\t', 'x-other': '1' }
  const content = `POST/a?b%253Dcx-list:x-list,x-more,x-time;x-more:a; b;x-time:${TIME}{}`

  function checked(name: string, sent: Readonly<Record<string, string>>, nowMs = NOW_MS): CheckResult {
    const signature = createHmac(name, SECRET).update(content).digest('hex')
    const own: SignatureScheme = { ...scheme, algorithm: `hmac-${name as 'sha1'}` }
    const came = request('/a?b=c', { ...sent, 'x-signature': signature })
    return canonicalHmacs.check(own, canonicalHmacs.keyring([SECRET], own), came, { nowMs })
  }

  it.each(['sha1', 'sha256', 'sha512'])('passes with an HMAC of %s', (name) => {
    expect(canonicalHmacs.algorithms).toContain(`hmac-${name}`)
    expect(checked(name, headers)).toEqual({ ok: true, secretIndex: 0 })
  })

  it('fails where what is listed was changed, and not where what is not was', () => {
    expect(checked('sha256', { ...headers, 'x-other': '2' })).toMatchObject({ ok: true })
    expect(checked('sha256', { ...headers, 'x-more': 'a;b' })).toMatchObject({ reason: 'signature_mismatch' })
    expect(checked('sha256', { ...headers, 'x-list': 'x-list,x-time' })).toMatchObject({
      reason: 'signature_mismatch',
    })
    expect(checked('sha256', { 'x-time': TIME })).toMatchObject({ reason: 'missing_content' })
  })

  it('is stale after the tolerance of its time', () => {
    expect(checked('sha256', headers, NOW_MS + 30_000)).toMatchObject({ ok: true })
    expect(checked('sha256', headers, NOW_MS + 31_000)).toMatchObject({ reason: 'stale' })
  })
})

describe('listed headers', () => {
  const of = (headers: readonly string[]): unknown => derived(listed, '/', headers)
  const time = ['x-time', '7']

  it('are their names and trimmed values, in the order of the list', () => {
    expect(of(['X-List', 'x-list,x-time', 'X-Time', ' 7 '])).toBe('x-list:x-list,x-time;x-time:7')
    expect(of(['x-time', '7', 'x-list', 'x-time,x-a,x-list', 'x-a', ''])).toBe(
      'x-time:7;x-a:;x-list:x-time,x-a,x-list',
    )
    expect(derived({ ...listed, must: [] }, '/', ['x-list', 'x-time', ...time])).toBe('x-time:7')
  })

  it.each([
    ['without a list', time],
    ['with two lists', ['x-list', 'x-list,x-time', 'x-list', 'x-list,x-time', ...time]],
    ['with an empty list', ['x-list', '', ...time]],
    ['where the time is left out', ['x-list', 'x-list', ...time]],
    ['where the list leaves out itself', ['x-list', 'x-time', ...time]],
    ['where one is not there', ['x-list', 'x-list,x-time,x-more', ...time]],
    ['where one has no name', ['x-list', 'x-list,x-time,', ...time]],
    ['where one came twice', ['x-list', 'x-list,x-time', ...time, ...time]],
    ['where one is listed twice', ['x-list', 'x-list,x-time,x-time', ...time]],
    ['where names are in capitals', ['x-list', 'X-List,X-Time', ...time]],
    ['with a space between', ['x-list', 'x-list, x-time', ...time]],
  ])('are none %s', (_, headers) => {
    expect(of(headers)).toBeUndefined()
  })

  it('are up to sixty-four', () => {
    const names = ['x-list', 'x-time', ...Array.from({ length: 63 }, (_, at) => `x-${at}`)]
    const sent = (count: number): readonly string[] => [
      'x-list',
      names.slice(0, count).join(','),
      ...time,
      ...names.slice(2).flatMap((name) => [name, '1']),
    ]
    expect(String(of(sent(64))).split(';')).toHaveLength(64)
    expect(of(sent(65))).toBeUndefined()
  })
})

describe('an escaped path', () => {
  // The escapes of a path once more, and those of a query twice.
  it.each([
    ['/a/b', '/a/b'],
    ['/a%20b/é', '/a%2520b/%C3%A9'],
    ['/a?b=c%20d&e', '/a?b%253Dc%252520d%2526e'],
    ['/a?', '/a'],
    ['?b', '?b'],
    ['', ''],
    ['https://example.com/a?b', '/a?b'],
    ['HTTP://u:p@example.com:80/a', '/a'],
    ['a1+.-://example.com/a', '/a'],
    ['https://example.com', ''],
    ['https://example.com?b', '?b'],
    ['https://example.com#b', '#b'],
    ['1a://example.com/a', '1a://example.com/a'],
    ['/to/https://example.com/a', '/to/https://example.com/a'],
    ['/a#b', '/a#b'],
  ])('of %j is %j', (url, path) => {
    expect(derived({ derived: 'escaped-path' }, url)).toBe(path)
  })

  it.each([
    ['a second question mark, behind which nothing would be signed', '/a?b?c'],
    ['two question marks side by side', '/a??'],
    ['half a character in its path', '/\uD800'],
    ['half a character in its query', '/a?\uDFFF'],
  ])('is none with %s', (_, url) => {
    expect(derived({ derived: 'escaped-path' }, url)).toBeUndefined()
  })

  it('is of the URL that the scheme names, where it names one', () => {
    expect(derived({ derived: 'escaped-path', of: 'https://public.example/in?a=b' }, '/proxied')).toBe(
      '/in?a%253Db',
    )
  })

  it('is made of nothing else that is derived', () => {
    expect(derived({ derived: 'public-url', base: 'https://h' }, '/a', ['x-list', 'x-list'])).toBeUndefined()
  })
})

describe('the method of listed headers', () => {
  it('takes schemes of listed headers only', () => {
    const { derives: _, ...plain } = scheme
    const items: SignatureScheme = { ...scheme, derives: 'items' }
    expect([scheme, plain, items].map((own) => canonicalHmacs.takes?.(own))).toEqual([true, false, false])
  })

  it('is of the three HMACs, and of nothing else', () => {
    expect(canonicalHmacs.algorithms).toEqual(['hmac-sha1', 'hmac-sha256', 'hmac-sha512'])
  })

  it('makes keys as the scheme has them', () => {
    const keys = canonicalHmacs.keyring(['6b6579'], { ...scheme, key: { as: 'hex' } })
    expect(Buffer.from(keys.first()!).toString()).toBe('key')
  })

  it('complains of a time that does not have to be listed, and of whatever else is unsound', () => {
    const complaint = (own: SignatureScheme): unknown => canonicalHmacs.complaint(own, [own])
    const { timestamp: _, ...timeless } = scheme
    expect(complaint(scheme)).toBeUndefined()
    expect(complaint(timeless)).toBeUndefined()
    expect(complaint({ ...scheme, content: [{ ...listed, must: ['x-list'] }, 'body'] })).toMatch(
      /anyone could renew it/,
    )
    expect(complaint({ ...scheme, timestamp: { in: { header: 'x-other' }, unit: 'seconds' } })).toMatch(
      /anyone could renew it/,
    )
    expect(complaint({ ...scheme, content: [] })).toBe('signs nothing')
    const nowhere = { ...scheme, signature: { ...scheme.signature, in: [] } }
    expect(complaint(nowhere)).toBe('has no place for a signature')
  })

  it('signs the body, what the content names, and the headers that must be listed', () => {
    const own: SignatureScheme = { ...scheme, content: [...scheme.content, { header: 'x-own' }] }
    const signs = (place: Place): unknown => canonicalHmacs.signs?.(place, own)
    const signed: readonly Place[] = [
      { json: ['a'] },
      { header: 'x-own' },
      { header: 'x-list' },
      { header: 'x-time' },
    ]
    expect(signed.map(signs)).toEqual([true, true, true, true])
    const unsigned: readonly Place[] = [{ header: 'x-other' }, { query: 'x-time' }, { field: 'x-time' }]
    expect(unsigned.map(signs)).toEqual([false, false, false])
    expect(canonicalHmacs.signs?.({ json: ['a'] }, { ...scheme, content: [listed] })).toBe(false)
    expect(canonicalHmacs.signs?.({ header: 'x-time' }, { ...scheme, content: [listed] })).toBe(true)
  })
})
