/** Keys and signatures of the algorithms of RFC 9421 §3.3, made and verified by `node:crypto` beside the core. */
import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keyPair } from '../../../../test/support/key-pairs.ts'
import { asPss, RSA_PRIVATE_KEY, rsaOf } from '../../../../test/support/rsa-key.ts'
import { isMessageSignature, messageKeyring, signMessage } from './message-keys.ts'
import type { KeyFormat, MessageAlgorithm, MessageSignatureScheme } from './scheme.ts'

const CONTENT = '"@method": POST\n"@signature-params": ("@method");keyid="ü"'
const ed25519 = keyPair('ed25519', 1)
const p256 = keyPair('ecdsa-p256-sha256', 1)
const rsa = createPublicKey(RSA_PRIVATE_KEY)

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()
const pemOf = (der: Uint8Array): string =>
  pem(createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }))

function schemeOf(signedWith: MessageAlgorithm, as: KeyFormat['as'] = 'utf8'): MessageSignatureScheme {
  return {
    name: 'signed',
    algorithm: 'http-message-signature',
    signedWith,
    key: { as },
    components: [],
    timestamp: { toleranceSeconds: 300 },
  }
}

/** The bytes of the one key of a keyring. */
function keyOf(secret: string, algorithm: MessageAlgorithm, as?: KeyFormat['as']): Uint8Array {
  return messageKeyring([secret], schemeOf(algorithm, as)).first()!
}

describe('the key of an algorithm', () => {
  it.each<readonly [MessageAlgorithm, string, KeyFormat['as'] | undefined]>([
    ['hmac-sha256', 'any secret at all', 'utf8'],
    ['ed25519', ed25519.publicKey.toString('base64'), 'base64'],
    ['ed25519', ed25519.publicKey.toString('hex'), 'hex'],
    ['ed25519', pem(createPublicKey(ed25519.privateKey)), 'utf8'],
    ['ecdsa-p256-sha256', p256.publicKey.toString('base64'), 'base64'],
    ['ecdsa-p256-sha256', pemOf(p256.publicKey), 'utf8'],
    ['rsa-pss-sha512', pem(rsa), 'utf8'],
    ['rsa-pss-sha512', pem(asPss(rsa)), 'utf8'],
    ['rsa-pss-sha512', pem(rsaOf(2048)), 'utf8'],
    ['rsa-v1_5-sha256', pem(rsa), 'utf8'],
    ['rsa-v1_5-sha256', pem(rsaOf(2048)), 'utf8'],
  ])('is taken: %s', (algorithm, secret, as) => {
    expect(messageKeyring([secret], schemeOf(algorithm, as)).size).toBe(1)
  })

  const P384 = createPublicKey({
    // The curve's base point (NIST SP 800-186), as a key.
    key: {
      kty: 'EC',
      crv: 'P-384',
      x: Buffer.from(
        'aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7',
        'hex',
      ).toString('base64url'),
      y: Buffer.from(
        '3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f',
        'hex',
      ).toString('base64url'),
    },
    format: 'jwk',
  })

  it.each<readonly [MessageAlgorithm, string, string, KeyFormat['as'] | undefined]>([
    ['ed25519', 'one of ECDSA', pemOf(p256.publicKey), 'utf8'],
    ['ed25519', 'one of RSA', pem(rsa), 'utf8'],
    ['ed25519', 'of 31 bytes', Buffer.alloc(31).toString('base64'), 'base64'],
    ['ecdsa-p256-sha256', 'one of Ed25519', pem(createPublicKey(ed25519.privateKey)), 'utf8'],
    ['ecdsa-p256-sha256', 'over another curve', pem(P384), 'utf8'],
    ['ecdsa-p256-sha256', 'raw', ed25519.publicKey.toString('base64'), 'base64'],
    ['rsa-pss-sha512', 'too short', pem(rsaOf(2047)), 'utf8'],
    ['rsa-pss-sha512', 'too short and for PSS', pem(asPss(rsaOf(2047))), 'utf8'],
    ['rsa-pss-sha512', 'one of ECDSA', pemOf(p256.publicKey), 'utf8'],
    ['rsa-v1_5-sha256', 'too short', pem(rsaOf(2047)), 'utf8'],
    ['rsa-v1_5-sha256', 'for PSS only', pem(asPss(rsa)), 'utf8'],
    ['rsa-v1_5-sha256', 'none', 'no key', 'utf8'],
  ])('is refused when the source is made: for %s, %s', (algorithm, _, secret, as) => {
    expect(() => messageKeyring([secret], schemeOf(algorithm, as))).toThrow(
      expect.objectContaining({
        code: 'bad_secret',
        message: `The key is no public key for '${algorithm}'; copy it again from the provider`,
      }),
    )
  })
})

describe('a signature', () => {
  const PSS = { key: RSA_PRIVATE_KEY, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }
  const content = Buffer.from(CONTENT)
  const cases: readonly (readonly [MessageAlgorithm, secret: string, KeyFormat['as'], Uint8Array])[] = [
    ['hmac-sha256', 'shared', 'utf8', createHmac('sha256', 'shared').update(content).digest()],
    ['ed25519', ed25519.publicKey.toString('base64'), 'base64', sign(null, content, ed25519.privateKey)],
    [
      'ecdsa-p256-sha256',
      pemOf(p256.publicKey),
      'utf8',
      sign('sha256', content, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' }),
    ],
    ['rsa-pss-sha512', pem(rsa), 'utf8', sign('sha512', content, PSS)],
    ['rsa-v1_5-sha256', pem(rsa), 'utf8', sign('sha256', content, RSA_PRIVATE_KEY)],
  ]

  it.each(cases)(
    'of %s is that of its key over its content, and no other',
    (algorithm, secret, as, signature) => {
      const key = keyOf(secret, algorithm, as)
      expect(isMessageSignature(algorithm, key, CONTENT, signature)).toBe(true)
      expect(isMessageSignature(algorithm, key, content, signature)).toBe(true)
      expect(isMessageSignature(algorithm, key, `${CONTENT} `, signature)).toBe(false)
      const changed = Uint8Array.from(signature, (byte, at) => (at === 3 ? byte ^ 1 : byte))
      expect(isMessageSignature(algorithm, key, CONTENT, changed)).toBe(false)
      expect(isMessageSignature(algorithm, key, CONTENT, signature.subarray(1))).toBe(false)
      expect(isMessageSignature(algorithm, key, CONTENT, new Uint8Array())).toBe(false)
    },
  )

  it('of PSS is as long as its key: without a zero that it begins with it is none', () => {
    let signature = sign('sha512', content, PSS)
    // One of 256 does.
    while (signature[0] !== 0) signature = sign('sha512', content, PSS)
    const key = keyOf(pem(rsa), 'rsa-pss-sha512', 'utf8')
    expect(isMessageSignature('rsa-pss-sha512', key, CONTENT, signature)).toBe(true)
    expect(isMessageSignature('rsa-pss-sha512', key, CONTENT, signature.subarray(1))).toBe(false)
    const longer = Buffer.concat([new Uint8Array(1), signature])
    expect(isMessageSignature('rsa-pss-sha512', key, CONTENT, longer)).toBe(false)
  })

  it.each<readonly [string, MessageAlgorithm, string, Uint8Array]>([
    ['ECDSA in DER', 'ecdsa-p256-sha256', pemOf(p256.publicKey), sign('sha256', content, p256.privateKey)],
    [
      'PSS with a short salt',
      'rsa-pss-sha512',
      pem(rsa),
      sign('sha512', content, { ...PSS, saltLength: 32 }),
    ],
    [
      'PSS with another digest',
      'rsa-pss-sha512',
      pem(rsa),
      sign('sha256', content, { ...PSS, saltLength: 32 }),
    ],
    ['RSA with another digest', 'rsa-v1_5-sha256', pem(rsa), sign('sha512', content, RSA_PRIVATE_KEY)],
    ['RSA without PSS', 'rsa-pss-sha512', pem(rsa), sign('sha512', content, RSA_PRIVATE_KEY)],
  ])('in another form is none: %s', (_, algorithm, secret, signature) => {
    expect(isMessageSignature(algorithm, keyOf(secret, algorithm), CONTENT, signature)).toBe(false)
  })

  it('of a key that no keyring has read is none', () => {
    const signature = sign(null, content, ed25519.privateKey)
    expect(isMessageSignature('ed25519', ed25519.publicKey, CONTENT, signature)).toBe(false)
  })

  it.each<readonly [MessageAlgorithm, string, object]>([
    ['ed25519', ed25519.privateKey, {}],
    ['ecdsa-p256-sha256', p256.privateKey, { dsaEncoding: 'ieee-p1363' }],
    ['rsa-pss-sha512', RSA_PRIVATE_KEY, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }],
    ['rsa-v1_5-sha256', RSA_PRIVATE_KEY, {}],
  ])('is made with a private key, where there is one: %s', (algorithm, privateKey, options) => {
    const digest = /sha\d+$/.exec(algorithm)?.[0]
    const made = signMessage(algorithm, new Uint8Array(), CONTENT, privateKey)
    const key = createPublicKey(createPrivateKey(privateKey))
    expect(verify(digest, content, { key, ...options }, made)).toBe(true)
    expect(() => signMessage(algorithm, new Uint8Array(), CONTENT, undefined)).toThrow(
      expect.objectContaining({
        code: 'bad_scheme',
        message: expect.stringContaining('without the private key'),
      }),
    )
  })

  it('is made with the key itself where it is shared', () => {
    const key = Buffer.from('shared')
    const signature = createHmac('sha256', key).update(content).digest('hex')
    for (const privateKey of [undefined, RSA_PRIVATE_KEY]) {
      const made = signMessage('hmac-sha256', key, CONTENT, privateKey)
      expect(Buffer.from(made).toString('hex')).toBe(signature)
    }
  })
})
