import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  sign as nodeSign,
  type KeyObject,
} from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keyPair } from '../../../../test/support/key-pairs.ts'
import { hmacs } from './hmac-method.ts'
import { Keyring } from './keyring.ts'
import type { Provider } from './provider.ts'
import { decoded, publicKeys, signWith } from './public-key.ts'
import type { KeyFormat, SignatureScheme } from './scheme.ts'
import { signRequest } from './sign.ts'
import { defineHmacSource, defineSource, defineSourceBy, withSecret } from './source.ts'
import { headerSecrets } from './static-secret-method.ts'
import { verify, type Verdict } from './verify.ts'

const NOW_MS = 1_772_490_001_000
const BODY = '{"id":"evt_1","type":"sample.created"}'
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

function schemeOf(algorithm: SignatureScheme['algorithm'], key: KeyFormat): SignatureScheme {
  return {
    name: 'own',
    algorithm,
    key,
    signature: { in: [{ header: 'x-signature' }], encoding: 'base64' },
    content: ['body'],
  }
}

function providerOf(...schemes: readonly SignatureScheme[]): Provider {
  const envelope = { name: 'own', id: [{ json: ['id'] }], type: { json: ['type'] } }
  return { name: 'sample', title: 'Sample', schemes, envelopes: [envelope] }
}

function arrive(
  scheme: SignatureScheme,
  secret: string,
  signature: Uint8Array,
  body = BODY,
): Promise<Verdict> {
  const headers = { 'x-signature': Buffer.from(signature).toString('base64') }
  const source = defineSource(providerOf(scheme), { secret })
  return verify({ headers, body: Buffer.from(body) }, source, { now: () => NOW_MS })
}

function pem(key: KeyObject): string {
  return key.export({ format: 'pem', type: key.type === 'public' ? 'spki' : 'pkcs8' }).toString()
}

describe('Ed25519', () => {
  // RFC 8032 §7.1, TEST 2.
  const PUBLIC_KEY = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
  const SIGNATURE =
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'

  it('verifies the RFC’s example, whose text is a number in JSON', async () => {
    const scheme = schemeOf('ed25519', { as: 'hex', minBytes: 32 })
    // Authentic, and no event: the message is the one byte `r`.
    expect(await arrive(scheme, PUBLIC_KEY, Buffer.from(SIGNATURE, 'hex'), 'r')).toEqual({
      ok: false,
      reason: 'malformed_body',
    })
    expect(await arrive(scheme, PUBLIC_KEY, Buffer.from(SIGNATURE, 'hex'), 's')).toEqual({
      ok: false,
      reason: 'signature_mismatch',
    })
  })

  it('takes a signature with S beyond the order of the group for none: RFC 8032 §5.1.7', async () => {
    const scheme = schemeOf('ed25519', { as: 'hex' })
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const bytes = Buffer.from(SIGNATURE, 'hex')
    const beyond = BigInt(`0x${hexReversed(bytes.subarray(32))}`) + order
    const malleable = Buffer.concat([
      bytes.subarray(0, 32),
      Buffer.from(hexReversed(Buffer.from(beyond.toString(16).padStart(64, '0'), 'hex')), 'hex'),
    ])
    expect(await arrive(scheme, PUBLIC_KEY, malleable, 'r')).toEqual({
      ok: false,
      reason: 'signature_mismatch',
    })
  })
})

describe.each([
  ['ed25519', keyPair('ed25519', 1).privateKey, keyPair('ed25519', 1).publicKey.toString('base64')],
  [
    'ecdsa-p256-sha256',
    keyPair('ecdsa-p256-sha256', 1).privateKey,
    keyPair('ecdsa-p256-sha256', 1).publicKey.toString('base64'),
  ],
  [
    'rsa-sha256',
    pem(rsa.privateKey),
    rsa.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  ],
] as const)('a signature of %s', (algorithm, privateKey, publicKey) => {
  const scheme = schemeOf(algorithm, { as: 'base64' })
  const signature = nodeSign(algorithm === 'ed25519' ? null : 'sha256', Buffer.from(BODY), privateKey)

  it('is verified, and with another body or another key it is not', async () => {
    expect(await arrive(scheme, publicKey, signature)).toMatchObject({ ok: true, secretIndex: 0 })
    const refused = { ok: false, reason: 'signature_mismatch' }
    expect(await arrive(scheme, publicKey, signature, `${BODY} `)).toEqual(refused)
    const other = algorithm === 'rsa-sha256' ? rsaKeyOf(2048) : keyPair(algorithm, 2).publicKey
    expect(await arrive(scheme, other.toString('base64'), signature)).toEqual(refused)
  })

  it('of a length that none has is badly encoded', async () => {
    for (const length of [7, 2049])
      expect(await arrive(scheme, publicKey, Buffer.alloc(length, 1))).toMatchObject({
        reason: 'bad_encoding',
      })
  })

  it('of any bytes is a mismatch or badly encoded, and never a throw', async () => {
    const lengths = [1, 8, 63, 64, 65, 71, 72, 256, 512, 2048]
    for (const length of lengths) {
      for (const byte of [0, 1, 0x30, 0xff]) {
        const verdict = await arrive(scheme, publicKey, Buffer.alloc(length, byte))
        expect(verdict.ok ? 'ok' : verdict.reason).toMatch(
          /^(signature_mismatch|bad_encoding|malformed_header)$/,
        )
      }
    }
  })

  it('is made by `signRequest` with the private key, and without it is not', async () => {
    const source = defineSource(providerOf(scheme), { secret: publicKey })
    const { headers } = signRequest(source, { body: BODY, nowMs: NOW_MS, privateKey })
    expect(await verify({ headers, body: Buffer.from(BODY) }, source)).toMatchObject({ ok: true })
    expect(() => signRequest(source, { body: BODY, nowMs: NOW_MS })).toThrow(/without its private key/)
  })

  it('is verified by a key in PEM as well', async () => {
    const inPem = schemeOf(algorithm, { as: 'utf8' })
    const key = algorithm === 'rsa-sha256' ? pem(rsa.publicKey) : undefined
    if (key !== undefined) expect(await arrive(inPem, key, signature)).toMatchObject({ ok: true })
    expect(() => defineSource(providerOf(inPem), { secret: 'no PEM at all' })).toThrow(/no public key/)
  })

  it.each([
    [
      'of another algorithm',
      () => keyPair(algorithm === 'ed25519' ? 'ecdsa-p256-sha256' : 'ed25519', 1).publicKey,
    ],
    ['cut short', () => Buffer.from(publicKey, 'base64').subarray(0, -1)],
    ['of another curve', () => spki(generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey)],
    ['of RSA with 2047 bits', () => rsaKeyOf(2047)],
    ['of no bytes but one', () => Buffer.of(0)],
  ])('has no key %s', (_, make) => {
    const secret = make().toString('base64')
    expect(() => defineSource(providerOf(scheme), { secret })).toThrow(
      expect.objectContaining({
        code: 'bad_secret',
        message: `The key is no public key for '${algorithm}'; copy it again from the provider`,
      }),
    )
  })

  it('is over the parts one after another, texts as UTF-8', async () => {
    const inParts: SignatureScheme = { ...scheme, content: [{ literal: 'é.' }, 'body', { literal: '\n' }] }
    const content = Buffer.from(`é.${BODY}\n`, 'utf8')
    const signed = nodeSign(algorithm === 'ed25519' ? null : 'sha256', content, privateKey)
    expect(await arrive(inParts, publicKey, signed)).toMatchObject({ ok: true })
    expect(await arrive(inParts, publicKey, signature)).toMatchObject({ reason: 'signature_mismatch' })
  })

  it('is no match, and no throw, for bytes that were never read as a key', () => {
    const keys = new Keyring([publicKey], scheme.key)
    const headers = ['x-signature', signature.toString('base64')]
    const request = { method: 'POST', url: '/', headers, body: Buffer.from(BODY) }
    expect(publicKeys.check(scheme, keys, request, { nowMs: NOW_MS })).toEqual({
      ok: false,
      reason: 'signature_mismatch',
    })
  })
})

describe('decoded', () => {
  it.each([
    ['sha256', 31, 32, 32, 33],
    ['ed25519', 63, 64, 64, 65],
    ['ecdsa-p256-sha256', 7, 8, 72, 73],
    ['rsa-sha256', 255, 256, 2048, 2049],
  ] as const)(
    'takes of %s no signature of %i bytes, those from %i to %i, and none of %i',
    (algorithm, under, shortest, longest, over) => {
      const signature = { in: [{ header: 'x-signature' }], encoding: 'base64' } as const
      const written = [under, shortest, longest, over].map((length) =>
        Buffer.alloc(length, 1).toString('base64'),
      )
      const taken = decoded({ algorithm, signature }, written).map((bytes) => bytes.byteLength)
      expect(taken).toEqual([shortest, longest])
    },
  )

  it('leaves out what is not strictly encoded', () => {
    const signature = { in: [{ header: 'x-signature' }], encoding: 'hex' } as const
    expect(decoded({ algorithm: 'sha256', signature }, ['zz'.repeat(32), `${'aa'.repeat(32)} `])).toEqual([])
  })
})

describe('a key in PEM', () => {
  const p256 = pem(createPublicKey(keyPair('ecdsa-p256-sha256', 1).privateKey))
  const ed25519 = pem(createPublicKey(keyPair('ed25519', 1).privateKey))

  it.each([
    ['ed25519', p256],
    ['ed25519', pem(rsa.publicKey)],
    ['ecdsa-p256-sha256', ed25519],
    ['rsa-sha256', p256],
    ['rsa-sha256', ed25519],
  ] as const)('of another kind than %s is refused (%#)', (algorithm, secret) => {
    const provider = providerOf(schemeOf(algorithm, { as: 'utf8' }))
    expect(() => defineSource(provider, { secret })).toThrow(/is no public key for/)
  })
})

describe('signWith', () => {
  it.each(['hmac-sha256', 'sha256'] as const)('refuses %s, which no private key signs with', (algorithm) => {
    const { privateKey } = keyPair('ed25519', 1)
    expect(() => signWith(privateKey, algorithm, [BODY])).toThrow(
      expect.objectContaining({
        code: 'bad_scheme',
        message: `No private key signs with '${algorithm}'`,
      }),
    )
  })
})

describe('a digest over key and content', () => {
  const scheme = schemeOf('sha256', { as: 'utf8' })
  const SECRET = 'a secret of the digest'

  it('is verified, and nothing else is', async () => {
    const digest = createHash('sha256').update(SECRET).update(BODY).digest()
    expect(await arrive(scheme, SECRET, digest)).toMatchObject({ ok: true })
    expect(await arrive(scheme, SECRET, digest, `${BODY} `)).toMatchObject({ reason: 'signature_mismatch' })
    const inParts: SignatureScheme = { ...scheme, content: [{ literal: 'é.' }, 'body'] }
    const ofParts = createHash('sha256').update(`${SECRET}é.${BODY}`, 'utf8').digest()
    expect(await arrive(inParts, SECRET, ofParts)).toMatchObject({ ok: true })
    const swapped = createHash('sha256').update(BODY).update(SECRET).digest()
    expect(await arrive(scheme, SECRET, swapped)).toMatchObject({ reason: 'signature_mismatch' })
  })

  it.each([31, 33])('of %i bytes is none', async (length) => {
    expect(await arrive(scheme, SECRET, Buffer.alloc(length, 1))).toMatchObject({ reason: 'bad_encoding' })
  })

  it('is verified by the key that made it, whichever it is', async () => {
    const digest = createHash('sha256').update(SECRET).update(BODY).digest()
    const headers = { 'x-signature': digest.toString('base64') }
    const source = defineSource(providerOf(scheme), { secret: ['a newer one', SECRET, SECRET] })
    expect(await verify({ headers, body: Buffer.from(BODY) }, source)).toMatchObject({ secretIndex: 1 })
  })
})

describe('a source made with some methods', () => {
  const ed25519 = providerOf(schemeOf('ed25519', { as: 'hex' }))

  it('refuses a scheme of another', () => {
    expect(() => defineHmacSource(ed25519)).toThrow(/unknown algorithm, 'ed25519'/)
    expect(() => defineSourceBy([headerSecrets], ed25519)).toThrow(/unknown algorithm/)
    expect(() => defineSourceBy([hmacs], ed25519)).toThrow(/unknown algorithm/)
  })

  it('keeps them when its secret is changed', () => {
    const source = defineSource(ed25519, { secret: keyPair('ed25519', 1).publicKey.toString('hex') })
    expect(() => withSecret(source, '00ff')).toThrow(/no public key/)
    expect(withSecret(source, keyPair('ed25519', 2).publicKey.toString('hex')).schemes[0]?.keys.size).toBe(1)
  })
})

function spki(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' })
}

/** A public key of so many bits: which primes its modulus is made of, if any, is not looked at. */
function rsaKeyOf(bits: number): Buffer {
  const modulus = Buffer.alloc(Math.ceil(bits / 8), 0xff)
  modulus[0] = 0xff >> (modulus.length * 8 - bits)
  return spki(
    createPublicKey({ key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }, format: 'jwk' }),
  )
}

function hexReversed(bytes: Uint8Array): string {
  return Buffer.from(bytes.toReversed()).toString('hex')
}
