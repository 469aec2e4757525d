import { describe, expect, it } from 'vitest'
import { headerSecrets } from './static-secret-method.ts'
import { hmacs } from './hmac-method.ts'
import type { Provider } from './provider.ts'
import type { Place, Scheme, SignatureScheme, StaticSecretScheme } from './scheme.ts'
import { assertSound, isSigned, samePlace, secretNameOf } from './sound-scheme.ts'

const METHODS = [hmacs, headerSecrets]

const signed: SignatureScheme = {
  name: 'signed',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
}

const carried: StaticSecretScheme = {
  name: 'carried',
  verifiedBy: 'token',
  algorithm: 'static-secret',
  secret: { header: 'x-token' },
}

function complaintAbout(...schemes: readonly Scheme[]): unknown {
  const provider: Provider = { name: 'sample', title: 'Sample', schemes, envelopes: [] }
  try {
    return assertSound(provider, METHODS)
  } catch (error) {
    const { code, message } = error as { readonly code: string; readonly message: string }
    return [code, message]
  }
}

describe('the schemes of a provider', () => {
  it('are sound where each is', () => {
    expect(complaintAbout()).toBeUndefined()
    expect(complaintAbout(signed)).toBeUndefined()
    expect(complaintAbout(signed, carried)).toBeUndefined()
    expect(
      complaintAbout({ ...signed, signature: { in: [{ json: ['sig'] }], encoding: 'hex' } }),
    ).toBeUndefined()
    expect(complaintAbout({ ...signed, required: { 'x-version': 'V1' } })).toBeUndefined()
  })

  it('are refused where one is of an algorithm that no method is for', () => {
    const unknown = { ...signed, name: 'other', algorithm: 'md5' } as unknown as Scheme
    expect(complaintAbout(signed, unknown)).toEqual([
      'bad_scheme',
      "sample: scheme 'other' has an unknown algorithm, 'md5'",
    ])
  })

  it('are refused where the method of one complains of it', () => {
    expect(complaintAbout(signed, { ...signed, name: 'empty', content: [] })).toEqual([
      'bad_scheme',
      "sample: scheme 'empty' signs nothing",
    ])
  })

  it('are refused where the method of one complains of it beside the others', () => {
    expect(complaintAbout(signed, { ...carried, verifiedBy: 'secret' })).toEqual([
      'bad_scheme',
      expect.stringMatching(/^sample: scheme 'carried' .*'signed'/) as string,
    ])
  })

  it.each<[string, Scheme]>([
    ['a signature', { ...signed, signature: { in: [{ header: 'x-Upper' }], encoding: 'hex' } }],
    [
      'a second signature',
      { ...signed, signature: { in: [{ header: 'x-a' }, { header: 'x-Upper' }], encoding: 'hex' } },
    ],
    [
      'a time',
      {
        ...signed,
        timestamp: { in: { header: 'x-Upper' }, unit: 'seconds' },
        content: ['timestamp', 'body'],
      },
    ],
    ['an id', { ...signed, id: { in: { header: 'x-Upper' } }, content: ['id', 'body'] }],
    ['a part of the content', { ...signed, content: [{ header: 'x-Upper' }, 'body'] }],
    ['what is required', { ...signed, required: { 'x-a': '1', 'x-Upper': '1' } }],
    ['a secret', { ...carried, secret: { header: 'x-Upper' } }],
  ])('are refused where a header with a capital is named for %s', (_, scheme) => {
    expect(complaintAbout(scheme)).toEqual([
      'bad_scheme',
      `sample: scheme '${scheme.name}' names the header 'x-Upper', which must be in lower case`,
    ])
  })
})

describe('the secret of a scheme', () => {
  it('is the one it is verified by, and else the one called secret', () => {
    expect(secretNameOf(carried)).toBe('token')
    expect(secretNameOf(signed)).toBe('secret')
  })
})

describe('whether a place is signed', () => {
  const id = { header: 'x-id' }
  const member = { json: ['id'] }
  const others: readonly SignatureScheme['content'][] = [
    ['timestamp'],
    [{ literal: '.' }],
    [{ header: 'x-other' }],
  ]

  it.each<[string, Place, Scheme, boolean]>([
    ['a member of a signed body', member, signed, true],
    ['a header beside a signed body', id, signed, false],
    ['a parameter beside a signed body', { query: 'id' }, signed, false],
    ['a member of a body that is not signed', member, { ...signed, content: ['timestamp'] }, false],
    ['a member that is a part itself', member, { ...signed, content: ['timestamp', member] }, true],
    [
      'another member than the one that is a part',
      { json: ['id', 'of'] },
      { ...signed, content: [member] },
      false,
    ],
    ['a header that is a part itself', id, { ...signed, content: [id, 'body'] }, true],
    [
      'a header beside another that is a part',
      id,
      { ...signed, content: [{ header: 'x-i' }, 'body'] },
      false,
    ],
    ['the id that is signed', id, { ...signed, id: { in: id }, content: ['id', 'body'] }, true],
    [
      'a header beside the id that is signed',
      { header: 'x-type' },
      { ...signed, id: { in: id }, content: ['id', 'body'] },
      false,
    ],
    ['a member beside the secret in a header', member, carried, true],
    ['a header beside the secret in a header', id, carried, false],
  ])('%s', (_, place, scheme, expected) => {
    expect(isSigned(place, scheme)).toBe(expected)
  })

  it.each(others)('nothing is by content of other parts: %j', (...content) => {
    expect(isSigned(id, { ...signed, content })).toBe(false)
  })

  it('is one place where both are written alike', () => {
    expect(samePlace({ json: ['a', 'b'] }, { json: ['a', 'b'] })).toBe(true)
    expect(samePlace({ json: ['a', 'b'] }, { json: ['b', 'a'] })).toBe(false)
    expect(samePlace({ header: 'a' }, { query: 'a' })).toBe(false)
  })
})
