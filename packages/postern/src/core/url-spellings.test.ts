import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { urlSpellings } from './url-spellings.ts'

describe('the spellings of an address', () => {
  it.each([
    ['https://example.com/a/b', ['https://example.com/a/b', 'https://example.com:443/a/b']],
    ['http://example.com/a', ['http://example.com/a', 'http://example.com:80/a']],
    ['HTTPS://example.com/a', ['HTTPS://example.com/a', 'HTTPS://example.com:443/a']],
    ['HTTP://example.com', ['HTTP://example.com', 'HTTP://example.com:80']],
    ['http://https.example', ['http://https.example', 'http://https.example:80']],
    ['https://example.com:8443/a', ['https://example.com:8443/a', 'https://example.com/a']],
    ['http://example.com:443', ['http://example.com:443', 'http://example.com']],
    ['https://u:p@example.com', ['https://u:p@example.com', 'https://u:p@example.com:443']],
    ['https://u@example.com:1/a', ['https://u@example.com:1/a', 'https://u@example.com/a']],
    ['https://a@b:1@c/', ['https://a@b:1@c/', 'https://a@b:1@c:443/']],
    ['https://[::1]/a', ['https://[::1]/a', 'https://[::1]:443/a']],
    ['http://u:p@[fe80::1]:81/a', ['http://u:p@[fe80::1]:81/a', 'http://u:p@[fe80::1]/a']],
    ['https://example.com/a@b:1', ['https://example.com/a@b:1', 'https://example.com:443/a@b:1']],
  ])('of %s are with and without its port', (url, spellings) => {
    expect(urlSpellings(url)).toEqual(spellings)
  })

  it.each([
    ['nothing', ''],
    ['a path', '/a/path'],
    ['another scheme', 'ftp://example.com/a'],
    ['a scheme with something before it', 'xhttps://example.com/a'],
    ['a port that is no number', 'https://example.com:x/a'],
    ['a port without a number', 'https://example.com:/a'],
    ['a port with something behind it', 'https://example.com:1x'],
    ['a bracket that is not closed', 'https://[::1/a'],
    ['a bracket in a name', 'https://exa[m]ple.com/a'],
    ['an IPv6 address without brackets', 'https://::1/a'],
  ])('are one of %s', (_, url) => {
    expect(urlSpellings(url)).toEqual([url])
  })
})

describe('the spellings of a query', () => {
  it('are as it came, with quotes escaped, with signs not, and each name and value escaped anew', () => {
    expect(urlSpellings("/a?b=c'd+e%3a%40")).toEqual([
      "/a?b=c'd+e%3a%40",
      '/a?b=c%27d+e%3a%40',
      "/a?b=c'd+e:@",
      "/a?b=c'd%20e%3A%40",
    ])
    expect(urlSpellings('/a?b=%3A%40%c3%bc&b=@&c')).toEqual([
      '/a?b=%3A%40%c3%bc&b=@&c',
      '/a?b=:@%c3%bc&b=@&c',
      '/a?b=%3A%40%C3%BC&b=%40&c',
    ])
  })

  it('leave as it is what cannot be decoded, and escape the rest anew', () => {
    expect(urlSpellings('/a?b=%zz+x&c=(+)')).toEqual(['/a?b=%zz+x&c=(+)', '/a?b=%zz+x&c=(%20)'])
  })

  it('touch nothing before it', () => {
    expect(urlSpellings("/'%40 ü/a?")).toEqual(["/'%40 ü/a?"])
    expect(urlSpellings("/'a'")).toEqual(["/'a'"])
  })

  it('are those of a query alone', () => {
    expect(urlSpellings("?a='b'")).toEqual(["?a='b'", '?a=%27b%27'])
  })

  it('are of everything behind the first question mark', () => {
    expect(urlSpellings("https://h?a='?'")).toEqual([
      "https://h?a='?'",
      'https://h?a=%27?%27',
      "https://h:443?a='?'",
      'https://h:443?a=%27?%27',
    ])
  })
})

describe('the spellings of any URL', () => {
  const pieces = [
    'https',
    'HTTP',
    '://',
    '/',
    ':',
    '@',
    '[',
    ']',
    'a.b',
    ':80',
    '?',
    '=',
    '&',
    "'",
    '%40',
    '%',
    '+',
    'é',
  ]
  const url = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((list) => list.join(''))

  it('begin with what came, are few and different, and never a throw', () => {
    fc.assert(
      fc.property(url, (came) => {
        const spellings = urlSpellings(came)
        expect(spellings[0]).toBe(came)
        expect(spellings.length).toBeLessThanOrEqual(12)
        expect(new Set(spellings).size).toBe(spellings.length)
      }),
    )
  })
})
