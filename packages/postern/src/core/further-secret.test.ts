import { describe, expect, it } from 'vitest'
import { PosternError } from './errors.ts'
import { withFurtherSecret } from './further-secret.ts'
import type { Scheme, SignatureScheme } from './scheme.ts'
import { defineSource, type Source } from './source.ts'

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

  it('changes nothing else of the source', () => {
    const source = sourceOf(signed)
    const { schemes, ...others } = source
    const further = withFurtherSecret(source, FURTHER)
    expect(further).toMatchObject(others)
    expect(Object.keys(further)).toEqual(Object.keys(source))
    expect(further.schemes[0]).toMatchObject({ scheme: schemes[0]!.scheme, method: schemes[0]!.method })
  })

  it('is refused where it can never work', () => {
    const source = sourceOf({ ...signed, key: { as: 'utf8', minBytes: 20 } })
    expect(() => withFurtherSecret(source, 'too short')).toThrow(PosternError)
  })
})
