import { describe, expect, it } from 'vitest'
import type { Part, SignatureScheme } from './scheme.ts'
import { unsoundSignature } from './sound-signature.ts'

const own: SignatureScheme = {
  name: 'own',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
}
const DOT: Part = { literal: '.' }
const timestamp = { in: { header: 'x-time' }, unit: 'seconds' } as const
const id = { in: { header: 'x-id' } }

const complaint = (parts: Partial<SignatureScheme>): string | undefined =>
  unsoundSignature({ ...own, ...parts })

describe('a scheme of signatures is sound', () => {
  it.each<[string, Partial<SignatureScheme>]>([
    ['over the body alone', {}],
    ['over a time and the body', { timestamp, content: ['timestamp', DOT, 'body'] }],
    ['over a body that its time stands in', { timestamp: { in: { json: ['at'] }, unit: 'rfc3339' } }],
    ['over the header that its time stands in', { timestamp, content: [{ header: 'x-time' }, 'body'] }],
    [
      'over an id, the parts with what no id has between them',
      { id: { ...id, forbid: '.' }, content: ['id', DOT, 'body'] },
    ],
    [
      'over an id that may not have several characters',
      { id: { ...id, forbid: ':.' }, content: ['id', DOT, 'body'] },
    ],
    [
      'over an id and a longer text that begins with what no id has',
      { id: { ...id, forbid: '.' }, content: ['id', { literal: '.v1' }, 'body'] },
    ],
    ['over an id after everything else', { id, content: ['body', DOT, 'id'] }],
    ['over an id and the body', { id, content: ['id', 'body'] }],
    ['over an id and a header', { id, content: ['id', { header: 'x-type' }] }],
    ['over a text and the body, without an id', { content: [{ literal: 'v0:' }, 'body'] }],
  ])('%s', (_, parts) => {
    expect(complaint(parts)).toBeUndefined()
  })
})

describe('a scheme of signatures is refused that', () => {
  it.each<[string, Partial<SignatureScheme>]>([
    ['has no place for a signature', { signature: { in: [], encoding: 'hex' } }],
    ['signs nothing', { content: [] }],
    [
      'has a timestamp that is not part of the signed content, so anyone could renew it',
      { timestamp, content: [{ header: 'x-other' }, 'body'] },
    ],
    ['signs a timestamp that stands nowhere', { content: ['timestamp', 'body'] }],
    ['has an id that is not signed', { id: { ...id, forbid: '.' }, content: [DOT, 'body'] }],
  ])('%s', (expected, parts) => {
    expect(complaint(parts)).toBe(expected)
  })

  it.each([
    ['nothing is forbidden', id],
    ['an empty text is', { ...id, forbid: '' }],
    ['another character is', { ...id, forbid: ':' }],
  ])('lets an id have what stands after it, where %s', (_, rule) => {
    const between = { id: rule, content: ['body', 'id', { literal: '.v1' }, 'body'] } as const
    expect(complaint(between)).toBe(
      "must forbid '.' in its ids: one could shift the boundary to the next part",
    )
  })
})
