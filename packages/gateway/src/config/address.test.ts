import { describe, expect, test } from 'vitest'
import { isLoopback, parseHostPort, parsePort } from './address.ts'

describe('a port', () => {
  test.each([
    ['0', 0],
    ['3000', 3000],
    [' 8080 ', 8080],
    ['65535', 65_535],
  ])('%j is %i', (text, port) => {
    expect(parsePort(text, 'PORT')).toEqual({ ok: true, value: port })
  })

  test.each(['', 'http', '-1', '65536', '1e3', '0x10', '30 00', '3000\n--'])(
    '%j is refused by name',
    (text) => {
      expect(parsePort(text, 'PORT')).toMatchObject({ ok: false, problems: [{ path: 'PORT' }] })
    },
  )
})

describe('host:port', () => {
  test.each([
    ['127.0.0.1:3001', '127.0.0.1', 3001],
    ['localhost:0', 'localhost', 0],
    ['[::1]:3001', '::1', 3001],
    ['0.0.0.0:80', '0.0.0.0', 80],
  ])('%j', (text, host, port) => {
    expect(parseHostPort(text, 'POSTERN_ADMIN')).toEqual({ ok: true, value: { host, port } })
  })

  test.each(['3001', ':3001', '::1:3001', 'localhost', 'localhost:99999', 'http://localhost:1', 'a b:1'])(
    '%j is refused by name',
    (text) => {
      expect(parseHostPort(text, 'POSTERN_ADMIN')).toMatchObject({ problems: [{ path: 'POSTERN_ADMIN' }] })
    },
  )
})

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['localhost', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.0.0.1.evil.example', false],
  ['192.168.1.5', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})
