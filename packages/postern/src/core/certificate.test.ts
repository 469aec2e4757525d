/** Which certificates are read and trusted. They are put together by the test; `openssl` makes those of certificate-method.test.ts. */
import { createPrivateKey, createPublicKey, sign, verify, X509Certificate, type KeyObject } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { keyPair } from '../../../../test/support/key-pairs.ts'
import { asPss, RSA_PRIVATE_KEY, rsaOf } from '../../../../test/support/rsa-key.ts'
import { x509, type CertificateFields } from '../../../../test/support/x509.ts'
import { crc32Text, isSignedBy, readCertified, signWithRsa, type Certified } from './certificate.ts'
import { distrust, trustedCertificates } from './certificate-chain.ts'
import type { CertificateRule } from './scheme.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const RSA = createPublicKey(RSA_PRIVATE_KEY)
const authorities = [1, 2, 3].map((number) => createPrivateKey(keyPair('ed25519', number).privateKey))
const [rootKey, middleKey, otherKey] = authorities as [KeyObject, KeyObject, KeyObject]

const root: CertificateFields = {
  subject: 'root',
  key: createPublicKey(rootKey),
  signedBy: rootKey,
  isAuthority: true,
}
const middle: CertificateFields = {
  subject: 'middle',
  issuer: 'root',
  key: createPublicKey(middleKey),
  signedBy: rootKey,
  isAuthority: true,
}
const own: CertificateFields = {
  subject: 'own',
  issuer: 'middle',
  key: RSA,
  signedBy: middleKey,
  dnsNames: ['hooks.example.com'],
}

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()
const read = (...pems: readonly string[]): Certified | undefined => readCertified(Buffer.from(pems.join('')))
const certified = (...chain: readonly CertificateFields[]): Certified => read(...chain.map(x509))!

describe('what stands at an address', () => {
  it('is a certificate and those that issued it, its own key first', () => {
    const { key, chain } = read(x509(own), x509(middle), x509(root))!
    expect(key.equals(RSA)).toBe(true)
    expect(chain.map(({ subject }) => subject)).toEqual(['CN=own', 'CN=middle', 'CN=root'])
  })

  it('is a certificate with other text around it, and any ends of lines', () => {
    const text = `Bag of é\n${x509(own)}\n and more ${x509(middle).replaceAll('\n', '\r\n')}`
    expect(readCertified(Buffer.from(text, 'latin1'))?.chain.length).toBe(2)
  })

  it('is a key by itself', () => {
    const { key, chain } = read(pem(RSA))!
    expect([key.equals(RSA), chain]).toEqual([true, []])
    expect(read(pem(rsaOf(2048)))?.chain).toEqual([])
  })

  it('is a certificate where there is a key as well', () => {
    const { key, chain } = read(pem(rsaOf(2048)), x509(own))!
    expect([key.equals(RSA), chain.length]).toEqual([true, 1])
  })

  it('is eight certificates at most: what follows is left out', () => {
    const eight = Array.from({ length: 8 }, () => x509(own))
    expect(read(...eight)?.chain.length).toBe(8)
    expect(read(...eight, x509(own))?.chain.length).toBe(8)
    expect(read(...eight, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')?.chain.length).toBe(
      8,
    )
  })

  it.each([
    ['nothing', ''],
    ['a page', '<html>404</html>'],
    ['a broken certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    [
      'a good one and a broken one',
      `${x509(own)}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    ],
    ['a broken key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
    ['a certificate that ends as a key', x509(own).replace('END CERTIFICATE', 'END PUBLIC KEY')],
    ['half a certificate', x509(own).slice(0, 400)],
    ['a certificate with a letter that is none of base64', x509(own).replace('\nM', '\n-M')],
    ['a certificate over a short key', x509({ ...own, key: rsaOf(2047) })],
    ['a certificate over another kind of key', x509(root)],
    ['a certificate over a key for PSS only', x509({ ...own, key: asPss(RSA) })],
    ['a key for PSS only', pem(asPss(RSA))],
    ['a short key', pem(rsaOf(2047))],
    ['another kind of key', pem(createPublicKey(rootKey))],
    ['a private key', RSA_PRIVATE_KEY],
  ])('is nothing to verify with: %s', (_, text) => {
    expect(read(text)).toBeUndefined()
  })
})

const HOST: CertificateRule = { at: { header: 'x' }, hosts: 'a', paths: '/', trust: 'host' }
const CHAIN: CertificateRule = { ...HOST, trust: 'chain' }
const UNTRUSTED = 'untrusted_certificate'
const trustedRoot = (): readonly X509Certificate[] => trustedCertificates([x509(root)])

describe('a key that is trusted for where it is from', () => {
  it('needs no certificate', () => {
    expect(distrust(read(pem(RSA))!, HOST, NOW_MS, undefined)).toBeUndefined()
    expect(distrust(read(pem(RSA))!, CHAIN, NOW_MS, trustedRoot())).toBe(UNTRUSTED)
    const named = { ...CHAIN, names: ['own.example'] }
    expect(distrust(read(pem(RSA))!, named, NOW_MS, trustedRoot())).toBe(UNTRUSTED)
  })

  it('has one that may lead nowhere', () => {
    expect(distrust(certified(own), HOST, NOW_MS, [])).toBeUndefined()
    expect(distrust(certified(own), { ...HOST, names: ['other.example'] }, NOW_MS, [])).toBeUndefined()
  })

  it('is not trusted before the first second of its certificate, nor after the last', () => {
    const [fromMs, toMs] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 11, 31, 23, 59, 59)]
    const key = certified({ ...own, fromMs, toMs })
    expect(distrust(key, HOST, fromMs, undefined)).toBeUndefined()
    expect(distrust(key, HOST, fromMs - 1, undefined)).toBe(UNTRUSTED)
    expect(distrust(key, HOST, toMs, undefined)).toBeUndefined()
    expect(distrust(key, HOST, toMs + 1, undefined)).toBe(UNTRUSTED)
  })
})

describe('a certificate leads to one that is trusted', () => {
  const reason = (
    chain: readonly CertificateFields[],
    trusted: readonly CertificateFields[] = [root],
    rule: CertificateRule = CHAIN,
  ): string | undefined => distrust(certified(...chain), rule, NOW_MS, trustedCertificates(trusted.map(x509)))

  const ended = Date.UTC(2026, 0)
  /** Links of a chain that is longer than any: each has issued the one before. */
  const links = Array.from({ length: 12 }, (_, at): CertificateFields => ({
    ...middle,
    subject: `link ${at}`,
    issuer: `link ${at + 1}`,
    key: createPublicKey(otherKey),
    signedBy: otherKey,
  }))
  const linked: CertificateFields = { ...own, issuer: 'link 0', signedBy: otherKey }

  it.each<readonly [string, readonly CertificateFields[], readonly CertificateFields[]]>([
    ['over those that stand beside it', [own, middle], [root]],
    ['with that one beside it', [own, middle, root], [root]],
    ['over those in any order', [own, root, middle], [root]],
    ['at once', [own], [middle]],
    ['being trusted itself', [own], [own]],
    ['being one of several', [own], [root, { ...middle, key: root.key }, middle]],
    ['over one that is trusted, though no issuer of it is', [own, middle], [middle]],
    ['and the trusted one has been renewed', [own, middle], [{ ...root, toMs: ended }, root]],
    [
      'and the trusted one has been renewed early',
      [own, middle],
      [root, { ...root, fromMs: Date.UTC(2027, 0) }],
    ],
    ['and one on its way has been renewed', [own, { ...middle, toMs: ended }, middle], [root]],
    [
      'over another of the same key than the trusted one that has ended',
      [own, middle],
      [{ ...middle, toMs: ended }, root],
    ],
    [
      'and one on its way has two issuers, one of them unknown',
      [own, { ...middle, issuer: 'unknown', signedBy: otherKey }, middle],
      [root],
    ],
    ['over seven that stand beside it', [linked, ...links.slice(0, 7)], [{ ...links[7]!, issuer: 'link 7' }]],
  ])('%s', (_, chain, trusted) => {
    expect(reason(chain, trusted)).toBeUndefined()
  })

  it.each<readonly [string, readonly CertificateFields[], readonly CertificateFields[]]>([
    ['it has signed itself', [{ ...own, issuer: 'own' }], [root]],
    ['there is a gap', [own], [root]],
    ['nothing is trusted', [own, middle, root], []],
    ['it has ended', [{ ...own, toMs: ended }, middle], [root]],
    ['one on its way has ended', [own, { ...middle, toMs: ended }], [root]],
    ['one on its way is still to come', [own, { ...middle, fromMs: Date.UTC(2027, 0) }], [root]],
    ['the trusted one has ended', [own, middle], [{ ...root, toMs: ended }]],
    [
      'the trusted one has ended, and stands beside it',
      [own, middle, { ...root, toMs: ended }],
      [{ ...root, toMs: ended }],
    ],
    ['one on its way is no authority', [own, { ...middle, isAuthority: false }], [root]],
    ['the trusted one is no authority', [own], [{ ...middle, isAuthority: false }]],
    ['its issuer has another name', [own, { ...middle, subject: 'other' }], [root]],
    ['its issuer has another name by a capital', [own, { ...middle, subject: 'Middle' }], [root]],
    ['its issuer has another key', [own, { ...middle, key: createPublicKey(otherKey) }], [root]],
    [
      'its issuer calls its key otherwise',
      [
        { ...own, issuerKeyId: 'a' },
        { ...middle, keyId: 'b' },
      ],
      [root],
    ],
    [
      'the root has its name only',
      [own, middle],
      [{ ...root, key: createPublicKey(otherKey), signedBy: otherKey }],
    ],
    [
      'two have issued each other',
      [
        { ...own, issuer: 'link 0', signedBy: otherKey },
        { ...links[0]!, issuer: 'link 1' },
        { ...links[1]!, issuer: 'link 0' },
      ],
      [root],
    ],
  ])('but not where %s', (_, chain, trusted) => {
    expect(reason(chain, trusted)).toBe(UNTRUSTED)
  })

  it('over its issuer’s own name for its key, where both say it', () => {
    expect(
      reason([
        { ...own, issuerKeyId: 'a' },
        { ...middle, keyId: 'a' },
      ]),
    ).toBeUndefined()
  })

  it('within eight steps, however many certificates there are', () => {
    const chain = [linked, ...links].map((each) => new X509Certificate(x509(each)))
    const to = (at: number): readonly X509Certificate[] => [new X509Certificate(x509(links[at]!))]
    expect(distrust({ key: RSA, chain }, CHAIN, NOW_MS, to(7))).toBeUndefined()
    expect(distrust({ key: RSA, chain }, CHAIN, NOW_MS, to(8))).toBe(UNTRUSTED)
  })

  it('looking at each certificate once, though all of them have issued each other', () => {
    const verifying = vi.spyOn(X509Certificate.prototype, 'verify')
    onTestFinished(() => verifying.mockRestore())
    const looped = Array.from({ length: 7 }, () => ({ ...links[0]!, issuer: 'link 0' }))
    expect(reason([linked, ...looped])).toBe(UNTRUSTED)
    expect(verifying).toHaveBeenCalledTimes(7)
  })

  it('and is for one of the names, a leading dot standing for any name under it', () => {
    const named = (...names: readonly string[]): string | undefined =>
      reason([own, middle], [root], { ...CHAIN, names })
    expect(named('hooks.example.com')).toBeUndefined()
    expect(named('other.example', '.example.com')).toBeUndefined()
    expect(named('example.com')).toBe(UNTRUSTED)
    expect(named('other.example', 'own')).toBe(UNTRUSTED)
    expect(named()).toBe(UNTRUSTED)
  })

  it('which is one of Node’s where no others are given', () => {
    expect(distrust(certified(own, middle, root), CHAIN, NOW_MS, undefined)).toBe(UNTRUSTED)
    const nodes = new X509Certificate(rootCertificates[0]!)
    const atMs = Date.parse(nodes.validTo) - 1000
    expect(distrust({ key: RSA, chain: [nodes] }, CHAIN, atMs, undefined)).toBeUndefined()
    expect(distrust({ key: RSA, chain: [nodes] }, CHAIN, atMs, trustedRoot())).toBe(UNTRUSTED)
  })
})

it('certificates to trust that are none are refused when the source is made', () => {
  expect(() => trustedCertificates([x509(root), 'no certificate'])).toThrow(/PEM|asn1|no start line/i)
})

describe('a signature', () => {
  const content = ['tö', Buffer.from('text'), '']

  it.each(['sha1', 'sha256'] as const)(
    'by %s is that of a key over the parts one after another',
    (digest) => {
      const signature = sign(digest, Buffer.from('tötext'), RSA_PRIVATE_KEY)
      const key = certified(own)
      expect(isSignedBy(key, digest, content, signature)).toBe(true)
      expect(isSignedBy(key, digest, ['tötext'], signature)).toBe(true)
      expect(isSignedBy(key, digest, ['tötexts'], signature)).toBe(false)
      expect(isSignedBy(key, digest === 'sha1' ? 'sha256' : 'sha1', content, signature)).toBe(false)
      expect(isSignedBy({ key: rsaOf(2048), chain: [] }, digest, content, signature)).toBe(false)
      expect(isSignedBy(key, digest, content, new Uint8Array())).toBe(false)
      expect(verify(digest, Buffer.from('tötext'), RSA, signWithRsa(RSA_PRIVATE_KEY, digest, content))).toBe(
        true,
      )
    },
  )
})

it('a CRC-32 is that of every other implementation, in decimal', () => {
  // The check value of CRC-32/ISO-HDLC, 0xcbf43926.
  expect(crc32Text(Buffer.from('123456789'))).toBe('3421780262')
  expect(crc32Text(new Uint8Array())).toBe('0')
})
