import { expect, test } from 'vitest'
import { originForm } from './request-target.ts'

test.each([
  ['/a/b?c=d', '/a/b?c=d'],
  ['//evil.example/a', '//evil.example/a'],
  ['/http://evil.example/a', '/http://evil.example/a'],
  ['*', '*'],
  ['', ''],
  ['http://hooks.example.com/a', '/a'],
  ['HTTPS://HOOKS.example.com:443/A?b', '/A?b'],
  ['http://127.0.0.1:3000/a', '/a'],
  ['http://[::1]:3000/a', '/a'],
  ['http://h%6fst/%61//b/../c?d=http://e/f', '/%61//b/../c?d=http://e/f'],
  ['http://host', '/'],
  ['http://host:', '/'],
  ['http://host?a=/b', '/?a=/b'],
  ['http://host//a', '//a'],
])('%s is %s', (target, path) => {
  expect(originForm(target)).toBe(path)
})

test.each([
  'http:///a',
  'http:/a',
  'http:a',
  'http://:80/a',
  'http://user@host/a',
  'http://user:password@host/a',
  'http://host\\/a',
  'http://host#/a',
  'http://host:80x/a',
  'http://host:123456/a',
  'http://[::1/a',
  'http://[x]/a',
  'http://h st/a',
  'httpx://host/a',
  'ws://host/a',
  'file:///a',
  'javascript:a',
  'host:443',
])('%s is none', (target) => {
  expect(originForm(target)).toBeUndefined()
})

test('takes no time that grows with more than its length', () => {
  const startedMs = performance.now()
  expect(originForm(`http://${'a'.repeat(1_000_000)}@`)).toBeUndefined()
  expect(performance.now() - startedMs).toBeLessThan(1000)
})
