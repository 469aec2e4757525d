import { describe, expect, it } from 'vitest'
import { pinnedUrl, type Pin } from './pinned-url.ts'

const PIN: Pin = {
  hosts: 'keys\\.example\\.com|keys-[0-9]\\.example\\.org',
  paths: '/certs/[a-z]+\\.pem|/',
}

/** Fits every text, an empty one too: what is refused all the same is no address. */
const ANY: Pin = { hosts: '[\\s\\S]*', paths: '[\\s\\S]*' }

const MAX_LENGTH = 2048

describe('a pinned address', () => {
  it.each([
    'https://keys.example.com/',
    'https://keys.example.com/certs/own.pem',
    'https://keys-7.example.org/certs/own.pem',
  ])('is taken as it stands: %s', (url) => {
    expect(pinnedUrl(url, PIN, 'without-query')).toBe(url)
    expect(pinnedUrl(url, PIN, 'with-query')).toBe(url)
  })

  it.each([
    ['a host that ends so', 'https://evil-keys.example.com/'],
    ['a host that begins so', 'https://keys.example.com.evil.example/'],
    ['a host that ends as the other does', 'https://evil.keys-7.example.org/'],
    ['a host that begins as the other does', 'https://keys-7.example.org.evil.example/'],
    ['a path that begins so', 'https://keys.example.com/certs/own.pem/more'],
    ['a path that ends so', 'https://keys.example.com/more/certs/own.pem'],
    ['a path of another name', 'https://keys.example.com/certs/OWN.pem'],
  ])('is refused with %s', (_, url) => {
    expect(pinnedUrl(url, PIN, 'with-query')).toBeUndefined()
  })

  it('has a query only where one may be there', () => {
    const query = '?Action=Confirm.it_~:/%2F&Token=a+b-'
    for (const url of [`https://keys.example.com/${query}`, 'https://keys.example.com/?']) {
      expect(pinnedUrl(url, PIN, 'with-query')).toBe(url)
      expect(pinnedUrl(url, PIN, 'without-query')).toBeUndefined()
    }
  })

  it('is of 2,048 characters at most', () => {
    const longest = 'https://a.example/'.padEnd(MAX_LENGTH, 'a')
    expect(pinnedUrl(longest, ANY, 'without-query')).toBe(longest)
    expect(pinnedUrl(`${longest}a`, ANY, 'without-query')).toBeUndefined()
  })
})

describe('an address', () => {
  it.each([
    'https://a.b/',
    'https://ab-9.cd-8.ef-7/',
    'https://a.b/Az09._~-/more',
    'https://a.b/?',
    'https://a.b/?Az09._~:/%&=+-',
  ])('is one: %s', (url) => {
    expect(pinnedUrl(url, ANY, 'with-query')).toBe(url)
  })

  it.each([
    ['is empty', ''],
    ['is no text of an address', 'anything'],
    ['begins with something else', ' https://a.b/'],
    ['begins with another word', 'xhttps://a.b/'],
    ['is not under TLS', 'http://a.b/'],
    ['has no path', 'https://a.b'],
    ['has a host of one label', 'https://localhost/'],
    ['has an empty label first', 'https://.b/'],
    ['has an empty label last', 'https://a.b./'],
    ['has an empty label in between', 'https://a..b/'],
    ['has a host in capitals', 'https://A.b/'],
    ['has a label in capitals', 'https://a.B/'],
    ['has a port', 'https://a.b:443/'],
    ['has a user', 'https://pinned@a.b/'],
    ['has an address of IPv6', 'https://[::1]/'],
    ['is written with backslashes', 'https:\\\\a.b/'],
    ['has a tab in it', 'https://a.b/\tc'],
    ['has an escape in its path', 'https://a.b/%2e%2e/c'],
    ['goes up', 'https://a.b/c/../d'],
    ['has a fragment', 'https://a.b/#c'],
    ['has a fragment after its query', 'https://a.b/?c#d'],
    ['has two queries', 'https://a.b/?c?d'],
    ['has a space in its query', 'https://a.b/?c d'],
    ['has a line after it', 'https://a.b/\nhttps://a.b/'],
    ['has a line break at its end', 'https://a.b/\n'],
  ])('is none where it %s', (_, url) => {
    expect(pinnedUrl(url, ANY, 'with-query')).toBeUndefined()
  })
})
