/** `Content-Digest` (RFC 9530); the digests are that document's own, and of `node:crypto`. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { contentDigest, isContentDigestOf } from './content-digest.ts'

const BODY = Buffer.from('{"hello": "world"}')
const digest = (name: string, hash: string, body: Uint8Array = BODY): string =>
  `${name}=:${createHash(hash).update(body).digest('base64')}:`
const SHA256 = digest('sha-256', 'sha256')
const SHA512 = digest('sha-512', 'sha512')
const OTHER_256 = digest('sha-256', 'sha256', Buffer.from('x'))
const OTHER_512 = digest('sha-512', 'sha512', Buffer.from('x'))
const MD5 = digest('md5', 'md5')

it('the digest of a body is made with SHA-256', () => {
  // RFC 9530, appendix D, of these bytes without a line break.
  expect(contentDigest(BODY)).toBe('sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:')
  expect(contentDigest(new Uint8Array())).toBe('sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:')
})

describe('a digest', () => {
  it.each([
    SHA256,
    SHA512,
    `${SHA256}, ${SHA512}`,
    `${MD5}, ${SHA256}`,
    `${SHA512},unixsum=1`,
    `${OTHER_256}, ${SHA256}`,
    `${SHA256};a=1`,
    // RFC 9421, appendix B.2.
    'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
  ])('is that of the body: %s', (text) => {
    expect(isContentDigestOf(text, BODY)).toBe(true)
  })

  it.each([
    OTHER_256,
    OTHER_512,
    `${SHA256}, ${OTHER_512}`,
    `${OTHER_256}, ${SHA512}`,
    `${SHA256}, ${OTHER_256}`,
    MD5,
    digest('sha-256', 'sha512'),
    digest('sha-512', 'sha256'),
    digest('SHA-256', 'sha256'),
    digest('sha256', 'sha256'),
    `${SHA256},`,
    '',
    'sha-256',
    'sha-256=1',
    'sha-256=::',
    `sha-256="${'a'.repeat(32)}"`,
    `sha-512=${'a'.repeat(64)}`,
    `sha-256=(${SHA256.slice('sha-256='.length)})`,
    SHA256.replaceAll(':', '"'),
    `sha-256=${SHA256.slice('sha-256=:'.length, -1)}`,
  ])('is not that of the body: %s', (text) => {
    expect(isContentDigestOf(text, BODY)).toBe(false)
  })
})
