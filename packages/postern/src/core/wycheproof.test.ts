/**
 * Project Wycheproof's vectors through the public path: each is a request whose body is the message, and either it verifies or
 * it does not. `test/vectors/NOTICE.md` says where they are from.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isMessageSignature, messageKeyring } from './message-keys.ts'
import type { MessageAlgorithm, MessageSignatureScheme, SignatureScheme } from './scheme.ts'
import { defineSource, type Source } from './source.ts'
import { verify } from './verify.ts'

interface Vector {
  readonly tcId: number
  readonly comment: string
  readonly flags: readonly string[]
  readonly key?: string
  readonly msg: string
  readonly sig: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
}

interface Group {
  readonly tagBits?: number
  readonly publicKeyDer?: string
  readonly publicKeyRaw?: string
  readonly tests: readonly Vector[]
}

function groupsOf(file: string): readonly Group[] {
  const url = new URL(`../../../../test/vectors/wycheproof/${file}.json`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { readonly groups: readonly Group[] }).groups
}

function sourceOf(algorithm: SignatureScheme['algorithm'], secret: string): Source {
  const scheme: SignatureScheme = {
    name: 'own',
    algorithm,
    key: { as: 'hex' },
    signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
    content: ['body'],
  }
  const provider = { name: 'wycheproof', title: 'Wycheproof', schemes: [scheme], envelopes: [] }
  return defineSource(provider, { secret })
}

/** Whether the signature was good; what is no JSON is refused only after that. */
async function isAccepted(source: Source, { msg, sig }: Vector): Promise<boolean> {
  const request = { headers: ['x-signature', sig], body: Buffer.from(msg, 'hex') }
  const verdict = await verify(request, source)
  return verdict.ok || verdict.reason === 'malformed_body'
}

/** Those that are not accepted as they should be, and how many were looked at. */
async function judged(
  groups: readonly Group[],
  accepts: (vector: Vector, group: Group) => boolean | Promise<boolean>,
  isExpected: (vector: Vector, group: Group) => boolean,
): Promise<{ readonly wrong: readonly string[]; readonly accepted: number; readonly refused: number }> {
  const wrong: string[] = []
  let accepted = 0
  let refused = 0
  for (const group of groups) {
    for (const vector of group.tests) {
      const isGood = await accepts(vector, group)
      if (isGood !== isExpected(vector, group))
        wrong.push(`#${vector.tcId} ${vector.comment}: ${vector.result}`)
      if (isGood) accepted += 1
      else refused += 1
    }
  }
  return { wrong, accepted, refused }
}

const isValid = ({ result }: Vector): boolean => result === 'valid'

describe('Wycheproof', () => {
  // Of three groups in six the tags are cut short (RFC 2104 §5): no provider does that, and none of them is accepted.
  it.each([
    ['hmac-sha1', 'hmac_sha1', 160, 33, 137],
    ['hmac-sha256', 'hmac_sha256', 256, 33, 141],
    ['hmac-sha512', 'hmac_sha512', 512, 33, 141],
  ] as const)(
    '%s: every whole tag as it says, and no tag that is cut short',
    async (algorithm, file, bits, ...counts) => {
      const { wrong, accepted, refused } = await judged(
        groupsOf(file),
        (vector) => isAccepted(sourceOf(algorithm, vector.key!), vector),
        (vector, { tagBits }) => isValid(vector) && tagBits === bits,
      )
      expect(wrong).toEqual([])
      expect([accepted, refused]).toEqual(counts)
    },
  )

  it('ed25519: every signature as it says', async () => {
    const { wrong, accepted, refused } = await judged(
      groupsOf('ed25519'),
      (vector, { publicKeyRaw }) => isAccepted(sourceOf('ed25519', publicKeyRaw!), vector),
      isValid,
    )
    expect(wrong).toEqual([])
    expect([accepted, refused]).toEqual([88, 63])
  })

  it('ecdsa-p256-sha256, in DER: every signature as it says', async () => {
    const { wrong, accepted, refused } = await judged(
      groupsOf('ecdsa_secp256r1_sha256'),
      (vector, { publicKeyDer }) => isAccepted(sourceOf('ecdsa-p256-sha256', publicKeyDer!), vector),
      isValid,
    )
    expect(wrong).toEqual([])
    expect([accepted, refused]).toEqual([174, 310])
  })

  // One is "acceptable", a signature whose digest names no parameters: a reader may take it, and this one does not.
  it('rsa-sha256, PKCS #1 v1.5: every signature as it says, and none that merely may be taken', async () => {
    const { wrong, accepted, refused } = await judged(
      groupsOf('rsa_signature_2048_sha256'),
      (vector, { publicKeyDer }) => isAccepted(sourceOf('rsa-sha256', publicKeyDer!), vector),
      isValid,
    )
    expect(wrong).toEqual([])
    expect([accepted, refused]).toEqual([9, 250])
  })
})

describe('Wycheproof, for message signatures', () => {
  it.each([
    ['ecdsa-p256-sha256', 'ecdsa_secp256r1_sha256_p1363', 173, 89],
    ['rsa-pss-sha512', 'rsa_pss_4096_sha512_mgf1_64', 132, 47],
    ['rsa-v1_5-sha256', 'rsa_signature_2048_sha256', 9, 250],
    ['ed25519', 'ed25519', 88, 63],
  ] as const)('%s: every signature as it says', async (signedWith, file, ...counts) => {
    const { wrong, accepted, refused } = await judged(
      groupsOf(file),
      (vector, group) => isMessageAccepted(signedWith, vector, group),
      isValid,
    )
    expect(wrong).toEqual([])
    expect([accepted, refused]).toEqual(counts)
  })
})

function isMessageAccepted(
  signedWith: MessageAlgorithm,
  { msg, sig }: Vector,
  { publicKeyDer, publicKeyRaw }: Group,
): boolean {
  const scheme: MessageSignatureScheme = {
    name: 'own',
    algorithm: 'http-message-signature',
    signedWith,
    key: { as: 'hex' },
    components: [],
    timestamp: { toleranceSeconds: 300 },
  }
  let isGood = false
  messageKeyring([(signedWith === 'ed25519' ? publicKeyRaw : publicKeyDer)!], scheme).forEach((key) => {
    isGood = isMessageSignature(signedWith, key, Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'))
  })
  return isGood
}
