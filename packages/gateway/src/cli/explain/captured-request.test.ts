import { describe, expect, test } from 'vitest'
import { readCaptured } from './captured-request.ts'

const read = (text: string): ReturnType<typeof readCaptured> => readCaptured(Buffer.from(text, 'latin1'))
const bodyOf = (text: string): string => Buffer.from(read(text).body).toString('latin1')

describe('a request as it stood on the wire', () => {
  test('is read byte for byte', () => {
    const text =
      'POST /webhooks/a?b=1 HTTP/1.1\r\nHost: example.com\r\nX-Sig: a:b \r\nX-Sig:c\r\n\r\n{"a": "\xff"}\r\n'
    expect(read(text)).toEqual({
      method: 'POST',
      url: '/webhooks/a?b=1',
      headers: ['Host', 'example.com', 'X-Sig', 'a:b', 'X-Sig', 'c'],
      body: Buffer.from('{"a": "\xff"}\r\n', 'latin1'),
    })
  })

  test('may have been kept with line feeds alone, or without a body', () => {
    expect(read('POST / HTTP/1.1\nA: b\n\n{}')).toMatchObject({
      headers: ['A', 'b'],
      body: Buffer.from('{}'),
    })
    expect(read('GET /a HTTP/1.0\r\nA: b')).toMatchObject({ method: 'GET', body: Buffer.alloc(0) })
  })

  test('ends where its header says, without the line break that an editor added', () => {
    expect(bodyOf('POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}\n')).toBe('{}')
    expect(bodyOf('POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}, and more')).toBe('{}, and more')
    expect(bodyOf('POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{}')).toBe('{}')
  })

  test('is put together from its chunks', () => {
    const chunked =
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'
    expect(bodyOf(chunked)).toBe('{"a":1}')
    expect(() => read('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{}')).toThrow(/chunks/)
    expect(() => read('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}')).toThrow(/chunks/)
  })

  test('keeps the line fold of a header', () => {
    expect(read('POST / HTTP/1.1\r\nA: b\r\n c\r\n\r\n').headers).toEqual(['A', 'b\r\n c'])
  })
})

describe('a request in JSON', () => {
  test.each([
    ['an object', '{"a":"b","c":["d","e"]}', ['a', 'b', 'c', 'd', 'c', 'e']],
    ['pairs', '[["a","b"],["a","c"]]', ['a', 'b', 'a', 'c']],
    ['names and values in turn', '["a","b"]', ['a', 'b']],
  ])('has headers as %s', (_, headers, list) => {
    const text = `{"method":"POST","url":"/x","headers":${headers},"body":"{ }\\n"}`
    expect(read(text)).toEqual({ method: 'POST', url: '/x', headers: list, body: Buffer.from('{ }\n') })
  })

  test('may say when it came', () => {
    expect(read('{"headers":{},"receivedMs":1772490000000}').receivedMs).toBe(1_772_490_000_000)
    expect(() => read('{"headers":{},"receivedMs":"now"}')).toThrow(/receivedMs/)
  })

  test('is refused where only the beginning of its body was kept', () => {
    expect(read('{"headers":{},"body":"{\\u00e9}","bodyBytes":4}').body).toHaveLength(4)
    expect(() => read('{"headers":{},"body":"{}","bodyBytes":70000}')).toThrow(/2 of the 70000 bytes/)
  })

  test('has its body in base64 where it is no text', () => {
    expect(read('{"headers":{},"bodyBase64":"/wA="}').body).toEqual(Buffer.from([0xff, 0]))
  })

  test.each([
    ['a body that was parsed', '{"headers":{},"body":{"a":1}}', /exactly as it came/],
    ['no headers', '{"body":""}', /headers/],
    ['a body alone', '{"id":"1"}', /a body alone/],
    ['headers of another kind', '{"headers":["a"],"body":""}', /headers/],
    ['a method that is none', '{"headers":{},"method":1}', /method/],
    ['something that only begins like it', '{"headers', /cannot be read/],
  ])('is refused with %s', (_, text, message) => {
    expect(() => read(text)).toThrow(message)
  })
})

test('of a HAR, the first request that has a body is read, with its time', () => {
  const har = {
    log: {
      entries: [
        { request: { method: 'GET', url: 'https://a.b/', headers: [] } },
        {
          startedDateTime: '2026-03-02T22:20:00.000Z',
          request: {
            method: 'POST',
            url: 'https://a.b/hook',
            headers: [
              { name: ':authority', value: 'a.b' },
              { name: 'x-sig', value: '1' },
            ],
            postData: { text: '{}' },
          },
        },
      ],
    },
  }
  expect(read(JSON.stringify(har))).toEqual({
    method: 'POST',
    url: 'https://a.b/hook',
    headers: ['x-sig', '1'],
    body: Buffer.from('{}'),
    receivedMs: Date.UTC(2026, 2, 2, 22, 20),
  })
  expect(() => read('{"log":{"entries":[]}}')).toThrow(/HAR/)
})

test('of curl -v, what it sent is read', () => {
  const shown =
    '* Connected to a.b\n> POST /hook HTTP/1.1\r\n> Host: a.b\r\n> X-Sig: 1\r\n> \r\n< HTTP/1.1 401\r\n< A: b\r\n'
  expect(read(shown)).toEqual({
    method: 'POST',
    url: '/hook',
    headers: ['Host', 'a.b', 'X-Sig', '1'],
    body: new Uint8Array(),
  })
})

test('an empty file is said to be empty', () => {
  expect(() => read('\n')).toThrow(/it is empty/)
})

test.each([
  ['nothing', ''],
  ['something else', 'hello\nworld'],
  ['a head with a line that is no header', 'POST / HTTP/1.1\r\nno header\r\n\r\n'],
  ['a first line without end', 'a'.repeat(100_000)],
])('what is none is refused: %s', (_, text) => {
  expect(() => read(text)).toThrow(/--request cannot be read/)
})
