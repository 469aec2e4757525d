import { sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keyPair } from '../../../../test/support/key-pairs.ts'
import { PosternError } from './errors.ts'
import { withFurtherSecret } from './further-secret.ts'
import type { Scheme, SignatureScheme } from './scheme.ts'
import { defineSource, type Source } from './source.ts'
import { authenticate } from './verify.ts'

const FIRST = 'the first signing secret'
const FURTHER = 'a secret that came later'
const OTHER = 'the secret of another scheme'

const signed: SignatureScheme = {
  name: 'signed',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
}
const alsoSigned: SignatureScheme = { ...signed, name: 'also', algorithm: 'hmac-sha512' }
const signedByOther: SignatureScheme = { ...signed, name: 'other', verifiedBy: 'other' }
const carried: Scheme = { name: 'carried', algorithm: 'static-secret', secret: { header: 'x-secret' } }

function sourceOf(...schemes: readonly Scheme[]): Source {
  const otherSecrets = schemes.includes(signedByOther) ? { other: OTHER } : {}
  return defineSource({ name: 'own', title: 'Own', schemes, envelopes: [] }, { secret: FIRST, otherSecrets })
}

/** The secrets that each scheme verifies by, in order. */
function secretsOf({ schemes }: Source): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    schemes.map(({ scheme, keys }) => {
      const secrets: string[] = []
      keys.forEach((key) => secrets.push(Buffer.from(key).toString()))
      return [scheme.name, secrets]
    }),
  )
}

type Pair = ReturnType<typeof keyPair>

const publicOf = ({ publicKey }: Pair): string => publicKey.toString('hex')

describe('a further secret', () => {
  it('comes after those that each signature of the source had', () => {
    const source = sourceOf(signed, alsoSigned)
    expect(secretsOf(withFurtherSecret(source, FURTHER))).toEqual({
      signed: [FIRST, FURTHER],
      also: [FIRST, FURTHER],
    })
    expect(secretsOf(source)).toEqual({ signed: [FIRST], also: [FIRST] })
  })

  it('is none of what is verified by another secret, or carried by every request', () => {
    expect(secretsOf(withFurtherSecret(sourceOf(signed, signedByOther), FURTHER))).toEqual({
      signed: [FIRST, FURTHER],
      other: [OTHER],
    })
    const source = sourceOf(carried)
    expect(withFurtherSecret(source, FURTHER)).toEqual(source)
    expect(secretsOf(withFurtherSecret(source, FURTHER))).toEqual({ carried: [FIRST] })
  })

  it('changes nothing where the source has it already, under whatever scheme', () => {
    const source = sourceOf(signed, alsoSigned, signedByOther)
    expect(withFurtherSecret(source, FIRST)).toBe(source)
    const further = withFurtherSecret(source, FURTHER)
    expect(withFurtherSecret(further, FURTHER)).toBe(further)
  })

  it('changes nothing else of the source', () => {
    const source = sourceOf(signed)
    const { schemes, ...others } = source
    const further = withFurtherSecret(source, FURTHER)
    expect(further).toMatchObject(others)
    expect(Object.keys(further)).toEqual(Object.keys(source))
    expect(further.schemes[0]).toMatchObject({ scheme: schemes[0]!.scheme, method: schemes[0]!.method })
  })

  it('verifies as those before it do, though it is a public key', () => {
    const keys = [1, 2, 3].map((number) => keyPair('ed25519', number)) as [Pair, Pair, Pair]
    const own: SignatureScheme = { ...signed, algorithm: 'ed25519', key: { as: 'hex' } }
    const source = defineSource(
      { name: 'own', title: 'Own', schemes: [own], envelopes: [] },
      { secret: publicOf(keys[0]) },
    )
    const further = withFurtherSecret(source, publicOf(keys[1]))
    const index = ({ privateKey }: Pair, to: Source): unknown => {
      const signature = sign(null, Buffer.from('{}'), privateKey).toString('hex')
      const headers = ['x-signature', signature]
      return authenticate({ method: 'POST', url: '/', headers, body: Buffer.from('{}') }, to, 0)
    }
    expect(index(keys[0], further)).toMatchObject({ ok: true, secretIndex: 0 })
    expect(index(keys[1], further)).toMatchObject({ ok: true, secretIndex: 1 })
    expect(index(keys[2], further)).toEqual({ ok: false, reason: 'signature_mismatch' })
    expect(index(keys[1], source)).toEqual({ ok: false, reason: 'signature_mismatch' })
    expect(() => withFurtherSecret(source, '00'.repeat(31))).toThrow(/no public key for 'ed25519'/)
  })

  it('is refused where it can never work', () => {
    const source = sourceOf({ ...signed, key: { as: 'utf8', minBytes: 20 } })
    expect(() => withFurtherSecret(source, 'too short')).toThrow(PosternError)
  })
})
