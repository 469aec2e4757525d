import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { hmacs } from './hmac-method.ts'
import { methodOf, type Method } from './method.ts'
import type { Scheme, SignatureScheme } from './scheme.ts'

const SECRET = 'a signing secret, long enough'
const scheme: SignatureScheme = {
  name: 'own',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  timestamp: { in: { header: 'x-time' }, unit: 'seconds' },
  content: ['timestamp', 'body'],
}

describe('the method of HMACs', () => {
  it.each(['sha1', 'sha256', 'sha512'] as const)(
    'passes what is signed with %s, while it is fresh',
    (name) => {
      const own: SignatureScheme = { ...scheme, algorithm: `hmac-${name}` }
      const signature = createHmac(name, SECRET).update('1700000000{}').digest('hex')
      const headers = ['x-signature', signature, 'x-time', '1700000000']
      const came = { method: 'POST', url: '/', headers, body: Buffer.from('{}') }
      const keys = hmacs.keyring(['an older one', SECRET], own)
      const check = (nowMs: number): unknown => hmacs.check(own, keys, came, { nowMs, toleranceSeconds: 10 })
      expect(hmacs.algorithms).toContain(own.algorithm)
      expect(check(1_700_000_010_000)).toEqual({ ok: true, secretIndex: 1 })
      expect(check(1_700_000_011_000)).toEqual({ ok: false, reason: 'stale' })
    },
  )

  it('is of the three HMACs, and of nothing else', () => {
    expect(hmacs.algorithms).toEqual(['hmac-sha1', 'hmac-sha256', 'hmac-sha512'])
  })

  it('takes schemes over content that stands in the request only', () => {
    expect(hmacs.takes?.(scheme)).toBe(true)
    for (const derives of ['url-and-form', 'items', 'listed-headers'] as const)
      expect(hmacs.takes?.({ ...scheme, derives })).toBe(false)
  })

  it('makes keys as the scheme has them', () => {
    const keys = hmacs.keyring(['6b6579'], { ...scheme, key: { as: 'hex' } })
    expect(Buffer.from(keys.first()!).toString()).toBe('key')
  })

  it('complains of a scheme that signs nothing', () => {
    expect(hmacs.complaint(scheme, [scheme])).toBeUndefined()
    expect(hmacs.complaint({ ...scheme, content: [] }, [scheme])).toBe('signs nothing')
  })
})

describe('the method of a scheme', () => {
  const other = { ...hmacs, algorithms: ['ed25519' as const] }
  const { takes: _, ...any } = hmacs
  const of = (own: Scheme, ...methods: readonly Method<SignatureScheme>[]): unknown =>
    methodOf(own, methods as readonly Method[])

  it('is the first that is of its algorithm', () => {
    expect(of(scheme, other, hmacs)).toBe(hmacs)
    expect(of({ ...scheme, algorithm: 'ed25519' }, hmacs, other)).toBe(other)
    expect(of(scheme, hmacs, { ...hmacs })).toBe(hmacs)
  })

  it('is one that takes it, or says nothing of what it takes', () => {
    const derived: SignatureScheme = { ...scheme, derives: 'items' }
    expect(of(derived, hmacs, any)).toBe(any)
    expect(of(derived, hmacs)).toBeUndefined()
  })

  it('is none where none is of its algorithm', () => {
    expect(of({ ...scheme, algorithm: 'sha256' }, hmacs, other, any)).toBeUndefined()
    expect(of(scheme)).toBeUndefined()
  })
})
