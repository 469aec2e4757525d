import { afterEach, describe, expect, it, vi } from 'vitest'
import { DOUBLED, bodyOf, headerValue, toWebhookRequest, type RequestLike } from './request.ts'

const body = Buffer.from('{}')

describe('toWebhookRequest', () => {
  it.each<[string, RequestLike['headers']]>([
    ['names and values in turn', ['X-A', '1', 'x-b', '2', 'x-b', '3']],
    [
      'pairs',
      [
        ['X-A', '1'],
        ['x-b', '2'],
        ['x-b', '3'],
      ],
    ],
    ['an object with lists', { 'X-A': '1', 'x-b': ['2', '3'], 'x-absent': undefined }],
    [
      'an iterator',
      new Set<readonly [string, string]>([
        ['X-A', '1'],
        ['x-b', '2'],
        ['x-b', '3'],
      ]),
    ],
  ])('reads headers as %s', (_, headers) => {
    expect(toWebhookRequest({ headers }, body).headers).toEqual(['X-A', '1', 'x-b', '2', 'x-b', '3'])
  })

  it('reads a Map and Fetch Headers', () => {
    expect(toWebhookRequest({ headers: new Map([['x-a', '1']]) }, body).headers).toEqual(['x-a', '1'])
    expect(toWebhookRequest({ headers: new Headers({ 'X-A': '1' }) }, body).headers).toEqual(['x-a', '1'])
  })

  it('keeps a header called `__proto__` a header', () => {
    const headers = JSON.parse('{"__proto__":"1"}') as Record<string, string>
    expect(toWebhookRequest({ headers }, body).headers).toEqual(['__proto__', '1'])
  })

  // An untyped caller's; CVE-2023-50728 was a `split` of what was no text.
  it.each([
    ['an object', { 'x-a': 5, 'x-b': true, 'x-c': {}, 'x-d': ['1', 2, null], 'x-e': undefined, 'x-f': null }],
    ['a list', ['x-a', 5, 'x-b', null, 'x-c', {}, 'x-d', '1', 'x-d', 2, 'x-d', null]],
    [
      'pairs',
      [
        ['x-a', 5],
        ['x-b', Symbol('b')],
        ['x-c', undefined],
        ['x-d', '1'],
        ['x-d', 2],
        ['x-d', () => 1],
      ],
    ],
  ])('takes what is no text for an empty one in %s', (_, headers) => {
    const request = { headers, body } as unknown as RequestLike
    const expected = ['x-a', '', 'x-b', '', 'x-c', '', 'x-d', '1', 'x-d', '', 'x-d', '']
    expect(toWebhookRequest(request, body).headers).toEqual(expected)
  })

  it('takes a name that is no text for an empty one', () => {
    const request = { headers: [5, '1', 'x-a', '2'], body } as unknown as RequestLike
    expect(toWebhookRequest(request, body).headers).toEqual(['', '1', 'x-a', '2'])
  })

  it('keeps the very bytes', () => {
    expect(toWebhookRequest({ headers: [] }, body).body).toBe(body)
  })

  it('fills in what was not given', () => {
    expect(toWebhookRequest({ headers: [] }, body)).toMatchObject({ method: 'POST', url: '' })
    expect(toWebhookRequest({ method: 'PUT', url: '/x', headers: [] }, body)).toMatchObject({
      method: 'PUT',
      url: '/x',
    })
  })
})

describe('headerValue', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('compares names without regard to case, values with', () => {
    expect(headerValue(['X-Sig', 'A'], 'x-sig')).toBe('A')
    expect(headerValue(['X-Sig', 'A', 'x-sig', 'a'], 'x-sig')).toBe(DOUBLED)
    expect(headerValue(['X-Sig', 'A', 'x-sig', 'A'], 'x-sig')).toBe(DOUBLED)
  })

  it('never takes a value for a name', () => {
    expect(headerValue(['a', 'x-sig', 'x-sig', 'b'], 'x-sig')).toBe('b')
  })

  it('does not take a longer or shorter name', () => {
    expect(headerValue(['x-sig2', 'a', 'x-si', 'b', 'x-sig ', 'c'], 'x-sig')).toBeUndefined()
  })

  // Every request has some twenty headers, and is searched for three or four.
  it('lower-cases no name but one of its length and last letter that is not in lower case yet', () => {
    const lowerCase = vi.spyOn(String.prototype, 'toLowerCase')
    headerValue(['X-Signature-2', 'a', 'x-sig', 'b', 'host', 'c', 'X-G', 'd', 'X-Tok', 'e'], 'x-sig')
    expect(lowerCase).not.toHaveBeenCalled()
    headerValue(['X-Sig', 'a', 'X-LOG', 'b'], 'x-sig')
    expect(lowerCase).toHaveBeenCalledTimes(2)
  })

  it('survives a list that ends with a name', () => {
    expect(headerValue(['x-sig'], 'x-sig')).toBe('')
  })
})

describe('bodyOf', () => {
  it('reads method, URL, headers and the exact bytes', async () => {
    const request = post(Uint8Array.of(0xff, 0, 0xfe), { 'X-A': '1' })
    const received = await bodyOf(request, 3)
    expect([...received]).toEqual([0xff, 0, 0xfe])
    const { method, url, headers } = toWebhookRequest(request, Uint8Array.of())
    expect([method, url, headerValue(headers, 'x-a')]).toEqual(['POST', 'https://example.com/hooks?a=1', '1'])
  })

  it('takes a request without a body for an empty one', async () => {
    const received = await bodyOf(post(undefined), 0)
    expect(received).toEqual(new Uint8Array())
  })

  it('takes a body as long as the limit, and none longer', async () => {
    expect(await bodyOf(post('x'.repeat(10)), 10)).not.toBe('body_too_large')
    expect(await bodyOf(post('x'.repeat(11)), 10)).toBe('body_too_large')
  })

  it('joins the chunks of a stream', async () => {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Uint8Array.of(1, 2))
        controller.enqueue(Uint8Array.of(3))
        controller.close()
      },
    })
    const request = new Request('https://example.com', {
      method: 'POST',
      body: stream,
      duplex: 'half',
    } as RequestInit)
    const received = await bodyOf(request, 3)
    expect([...received]).toEqual([1, 2, 3])
  })

  it('stops reading, and cancels the stream, at the limit', async () => {
    let pulled = 0
    let cancelled = false
    const long = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1
          controller.enqueue(new Uint8Array(1000))
          if (pulled === 10) controller.close()
        },
        cancel() {
          cancelled = true
        },
      },
      { highWaterMark: 0 },
    )
    const request = new Request('https://example.com', {
      method: 'POST',
      body: long,
      duplex: 'half',
    } as RequestInit)
    expect(await bodyOf(request, 2500)).toBe('body_too_large')
    expect(pulled).toBe(3)
    expect(cancelled).toBe(true)
  })
})

function post(content: BodyInit | undefined, headers: Record<string, string> = {}): Request {
  return new Request('https://example.com/hooks?a=1', { method: 'POST', headers, body: content ?? null })
}
