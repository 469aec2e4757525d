/** What a certified request must have to be accepted, why it is refused, and when a certificate is fetched for it. */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keyPair } from '../../../../test/support/key-pairs.ts'
import { RSA_PRIVATE_KEY } from '../../../../test/support/rsa-key.ts'
import { x509 } from '../../../../test/support/x509.ts'
import { certificates, type CertificatesOptions } from './certificate-method.ts'
import type { CheckResult } from './check.ts'
import type { CertificateScheme, CertifiedPart, Place } from './scheme.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const TIME = '2026-03-02T22:20:01Z'
const URL = 'https://keys.example.com/1.pem'
const issuer = createPrivateKey(keyPair('ed25519', 1).privateKey)
const ROOT = x509({ subject: 'root', key: createPublicKey(issuer), signedBy: issuer, isAuthority: true })
const OWN = x509({
  subject: 'own',
  issuer: 'root',
  key: createPublicKey(RSA_PRIVATE_KEY),
  signedBy: issuer,
  dnsNames: ['hooks.example.com'],
})

/** Everything in headers; the topic is expected. */
const BY_HEADERS: CertificateScheme = {
  name: 'certified',
  algorithm: 'rsa-certificate',
  digest: 'sha256',
  signature: { at: { header: 'signature' }, encoding: 'base64' },
  certificate: {
    at: { header: 'certificate' },
    hosts: String.raw`keys\.example\.com`,
    paths: String.raw`/\d\.pem`,
    trust: 'host',
  },
  timestamp: { in: { header: 'time' }, unit: 'rfc3339' },
  content: [{ header: 'topic' }, { literal: '|' }, 'timestamp'],
  expected: { header: 'topic' },
}

type Headers = Readonly<Record<string, string | undefined>>

interface Wishes {
  readonly scheme?: Partial<CertificateScheme>
  readonly secrets?: readonly string[]
  readonly options?: CertificatesOptions
  readonly body?: string
  readonly nowMs?: number
  readonly toleranceSeconds?: number
  /** The header that comes twice. */
  readonly doubled?: string
}

function signatureOf(content: string, digest = 'sha256'): string {
  return sign(digest, Buffer.from(content), RSA_PRIVATE_KEY).toString('base64')
}

const GOOD = { topic: 'orders', time: TIME, certificate: URL, signature: signatureOf(`orders|${TIME}`) }

function partsOf(
  changes: Headers,
  { scheme = {}, secrets = ['orders'], body = '{}', nowMs = NOW_MS, toleranceSeconds, doubled }: Wishes,
  method: ReturnType<typeof certificates>,
): Parameters<typeof method.check> {
  const own = { ...BY_HEADERS, ...scheme }
  const headers = Object.entries({ ...GOOD, ...changes }).flatMap(([name, value]) =>
    value === undefined ? [] : name === doubled ? [name, value, name, value] : [name, value],
  )
  const request = { method: 'POST', url: '/', headers, body: Buffer.from(body) }
  return [own, method.keyring(secrets, own), request, { nowMs, toleranceSeconds }]
}

/** The result with a certificate to be fetched, which is this one where no other is given. */
async function arrive(changes: Headers = {}, wishes: Wishes = {}): Promise<CheckResult | undefined> {
  const method = certificates({ fetch: () => Promise.resolve(new Response(OWN)), ...wishes.options })
  return method.checkWithFetchedKeys?.(...partsOf(changes, wishes, method))
}

const accepted = (secretIndex = 0): CheckResult => ({ ok: true, secretIndex })
const refused = (reason: string): unknown => ({ ok: false, reason })

describe('a request that a certified key has signed', () => {
  it('is accepted', async () => {
    expect(await arrive()).toEqual(accepted())
  })

  it('is not accepted with anything changed that is signed', async () => {
    expect(await arrive({ time: '2026-03-02T22:20:02Z' })).toEqual(refused('signature_mismatch'))
    const other = { secrets: ['other'] }
    expect(await arrive({ topic: 'other' }, other)).toEqual(refused('signature_mismatch'))
    expect(await arrive({ signature: signatureOf(`orders|${TIME}`, 'sha1') })).toEqual(
      refused('signature_mismatch'),
    )
    expect(
      await arrive({ signature: signatureOf(`orders|${TIME}`, 'sha1') }, { scheme: { digest: 'sha1' } }),
    ).toEqual(accepted())
  })

  it('is not accepted without a part of what is signed', async () => {
    const content: readonly CertifiedPart[] = ['timestamp', { header: 'id' }]
    expect(await arrive({}, { scheme: { content } })).toEqual(refused('missing_content'))
    const signature = signatureOf(`${TIME}7`)
    expect(await arrive({ id: '7', signature }, { scheme: { content } })).toEqual(accepted())
  })

  it('is fresh within the tolerance: the source’s, the scheme’s, or 300 seconds', async () => {
    const at = (seconds: number, wishes: Wishes = {}): Promise<CheckResult | undefined> =>
      arrive({}, { nowMs: NOW_MS + seconds * 1000, ...wishes })
    expect(await at(300)).toEqual(accepted())
    expect(await at(301)).toEqual(refused('stale'))
    expect(await at(-300)).toEqual(accepted())
    expect(await at(-301)).toEqual(refused('future'))
    const scheme = { timestamp: { ...BY_HEADERS.timestamp, toleranceSeconds: 3900 } }
    expect(await at(3900, { scheme })).toEqual(accepted())
    expect(await at(3901, { scheme })).toEqual(refused('stale'))
    expect(await at(0, { scheme, toleranceSeconds: 0 })).toEqual(accepted())
    expect(await at(1, { scheme, toleranceSeconds: 0 })).toEqual(refused('stale'))
  })

  it('signs what is configured, where that is a part of it: the one that fits counts', async () => {
    const scheme = {
      content: ['configured', 'timestamp'] as const,
      expected: undefined,
    } as unknown as Partial<CertificateScheme>
    const signature = signatureOf(`ü7${TIME}`)
    expect(await arrive({ signature }, { scheme, secrets: ['other', 'ü7'] })).toEqual(accepted(1))
    expect(await arrive({ signature }, { scheme, secrets: ['other'] })).toEqual(refused('signature_mismatch'))
    expect(await arrive({ signature }, { scheme, secrets: ['ü7', 'other'] })).toEqual(accepted(0))
  })

  const LINES: Partial<CertificateScheme> = {
    content: [{ lines: ['a', 'b'] }, { json: ['c'] }, 'timestamp', { header: 'topic' }],
  }
  const lined = (body: string): Promise<CheckResult | undefined> =>
    arrive({ signature: signatureOf(`a\n1\nb\n2\n3${TIME}orders`) }, { scheme: LINES, body })

  it('has each line of its content once', async () => {
    expect(await lined('{"a":"1","b":"2","c":"3"}')).toEqual(accepted())
    expect(await lined('{"d":"0","a":"1","d":"1","b":"2","c":"3"}')).toEqual(accepted())
    expect(await lined('{"a":"0","a":"1","b":"2","c":"3"}')).toEqual(refused('duplicate_secret'))
    expect(await lined(String.raw`{"a":"1","b":"0","\u0062":"2","c":"3"}`)).toEqual(
      refused('duplicate_secret'),
    )
    // What is no JSON has no line, and none twice.
    const signature = signatureOf(`${TIME}orders`)
    const scheme = { content: [{ lines: ['a', 'b'] }, 'timestamp', { header: 'topic' }] } as const
    expect(await arrive({ signature }, { scheme, body: 'no JSON' })).toEqual(accepted())
    // Looked for last, and only in what was signed.
    expect(await lined('{"a":"0","a":"9","b":"2","c":"3"}')).toEqual(refused('signature_mismatch'))
    expect(
      await arrive(
        { signature: signatureOf(`b\n2\n${TIME}`) },
        {
          scheme: { content: [{ lines: ['a', 'b'] }, 'timestamp'] },
          body: '{"b":"2"}',
        },
      ),
    ).toEqual(accepted())
  })
})

describe('what is expected', () => {
  const arriveAt = (
    topic: string | undefined,
    secrets: readonly string[],
    wishes: Wishes = {},
  ): Promise<unknown> => arrive({ topic, signature: signatureOf(`${topic}|${TIME}`) }, { secrets, ...wishes })

  it.each<readonly [string, readonly string[], number | undefined]>([
    ['orders', ['orders'], 0],
    ['orders', ['other', 'orders', 'orders'], 1],
    ['orders', ['orders*', 'orders'], 0],
    ['orders:eu', ['orders:*'], 0],
    ['orders:', ['orders:*'], 0],
    ['orders', ['*'], 0],
    ['*a', ['*a'], 0],
    ['orders', ['order'], undefined],
    ['order', ['orders'], undefined],
    ['orders', ['orders:*'], undefined],
    ['xorders', ['orders*'], undefined],
    ['*b', ['*a'], undefined],
    ['orders', ['ord*rs'], undefined],
    ['Orders', ['orders'], undefined],
    ['orders', ['other', 'neither'], undefined],
  ])('of %s is one of %j or not', async (topic, secrets, index) => {
    expect(await arriveAt(topic, secrets)).toEqual(
      index === undefined ? refused('not_for_us') : accepted(index),
    )
  })

  it('is in the request, once', async () => {
    expect(await arriveAt(undefined, ['*'])).toEqual(refused('not_for_us'))
    expect(await arriveAt('orders', ['*'], { doubled: 'topic' })).toEqual(refused('not_for_us'))
  })
})

describe('without a key', () => {
  const asked: string[] = []
  const unreachable = (): ReturnType<typeof certificates> =>
    certificates({
      fetch: (url) => {
        asked.push(url)
        return Promise.reject(new Error('not to be fetched'))
      },
    })

  it.each<readonly [string, Headers, Wishes]>([
    ['no_secret', { signature: undefined }, { secrets: [] }],
    ['missing_header', {}, { scheme: { required: { version: '1' } } }],
    ['malformed_header', { version: '2' }, { scheme: { required: { version: '1' } } }],
    ['malformed_header', { signature: undefined }, { scheme: { members: { Version: '2' } } }],
    ['malformed_header', {}, { scheme: { members: { Version: '2' } }, body: '{"Version":"1"}' }],
    ['malformed_header', {}, { scheme: { members: { a: '1', b: '2' } }, body: '{"a":"1","b":"1"}' }],
    ['malformed_header', {}, { scheme: { members: { Version: '2' } }, body: '{"Version":2}' }],
    ['malformed_header', {}, { scheme: { members: { Version: '2' } }, body: 'no JSON' }],
    ['missing_header', { signature: undefined, time: 'x' }, {}],
    ['missing_header', { certificate: undefined, signature: '?' }, {}],
    ['missing_header', { time: undefined, certificate: 'x' }, {}],
    ['duplicate_header', {}, { doubled: 'signature' }],
    ['duplicate_header', { signature: '?' }, { doubled: 'certificate' }],
    ['duplicate_header', { certificate: 'x' }, { doubled: 'time' }],
    ['bad_encoding', { signature: '?', time: 'x' }, {}],
    ['bad_encoding', { signature: '' }, {}],
    ['malformed_timestamp', { time: 'x', certificate: 'x' }, {}],
    ['malformed_timestamp', { time: '1772490001' }, {}],
    ['untrusted_key_url', { certificate: 'https://other.example/1.pem', topic: 'x' }, {}],
    ['untrusted_key_url', { certificate: `${URL}?a` }, {}],
    ['untrusted_key_url', { certificate: 'https://keys.example.com/x.pem' }, {}],
    ['not_for_us', { topic: 'x' }, {}],
  ])(
    'a request is refused as %s all the same, and nothing is fetched: %j',
    async (reason, changes, wishes) => {
      const method = unreachable()
      const parts = partsOf(changes, wishes, method)
      expect(method.check(...parts)).toEqual(refused(reason))
      expect(await method.checkWithFetchedKeys?.(...parts)).toEqual(refused(reason))
      expect(asked).toEqual([])
    },
  )

  it('a good request cannot be checked, and is not refused as forged', () => {
    const method = unreachable()
    expect(method.check(...partsOf({}, {}, method))).toEqual(refused('key_unavailable'))
    expect(method.check(...partsOf({ signature: 'AAAA' }, {}, method))).toEqual(refused('key_unavailable'))
    const members = { scheme: { members: { Version: '2' } }, body: '{"Version":"2"}' }
    expect(method.check(...partsOf({}, members, method))).toEqual(refused('key_unavailable'))
    expect(asked).toEqual([])
  })

  it('certificates of the global fetch are meant where no other is given', () => {
    const plain = certificates()
    expect(plain.check(...partsOf({}, {}, plain))).toEqual(refused('key_unavailable'))
  })
})

describe('a certificate', () => {
  const CHAIN: Partial<CertificateScheme> = { certificate: { ...BY_HEADERS.certificate, trust: 'chain' } }
  const trusting = (pem: string): Wishes => ({ scheme: CHAIN, options: { trustedCertificates: [pem] } })

  it('that cannot be had is our fault', async () => {
    const fetch = (): Promise<Response> => Promise.resolve(new Response('<html>'))
    expect(await arrive({}, { options: { fetch } })).toEqual(refused('key_unavailable'))
  })

  it('leads to one that is trusted, where the scheme asks for that', async () => {
    expect(await arrive({}, trusting(ROOT))).toEqual(accepted())
    expect(await arrive({}, trusting(OWN))).toEqual(accepted())
    expect(await arrive({}, { scheme: CHAIN })).toEqual(refused('untrusted_certificate'))
    const named = (name: string): Wishes => ({
      ...trusting(ROOT),
      scheme: { certificate: { ...BY_HEADERS.certificate, trust: 'chain', names: [name] } },
    })
    expect(await arrive({}, named('.example.com'))).toEqual(accepted())
    expect(await arrive({}, named('.example.org'))).toEqual(refused('untrusted_certificate'))
  })

  it('is not trusted before its time', async () => {
    const early = Date.UTC(2019, 0)
    const time = new Date(early).toISOString()
    const changes = { time, signature: signatureOf(`orders|${time}`) }
    expect(await arrive(changes, { nowMs: early })).toEqual(refused('untrusted_certificate'))
  })

  it('is fetched from where the request says, once for all requests of a source', async () => {
    const asked: string[] = []
    const fetch = (url: string): Promise<Response> => {
      asked.push(url)
      return Promise.resolve(new Response(OWN))
    }
    const method = certificates({ fetch })
    for (const changes of [{}, {}, { certificate: 'https://keys.example.com/2.pem' }]) {
      expect(await method.checkWithFetchedKeys?.(...partsOf(changes, {}, method))).toEqual(accepted())
    }
    expect(asked).toEqual([URL, 'https://keys.example.com/2.pem'])
    const other = certificates({ fetch })
    expect(await other.checkWithFetchedKeys?.(...partsOf({}, {}, other))).toEqual(accepted())
    expect(asked).toHaveLength(3)
  })
})

describe('a scheme of certificates', () => {
  it('is known by its algorithm, and what it is configured with may be short', () => {
    expect(certificates().algorithms).toEqual(['rsa-certificate'])
    expect(certificates().keyring(['a'], BY_HEADERS)).toMatchObject({ size: 1, hasWeakKey: false })
  })

  it.each<readonly [boolean, Place]>([
    [true, { header: 'topic' }],
    [true, { header: 'time' }],
    [true, { json: ['a'] }],
    [true, { json: ['b', 'c'] }],
    [false, { header: 'other' }],
    [false, { header: 'certificate' }],
    [false, { json: ['b'] }],
    [false, { json: ['a', 'b'] }],
    [false, { query: 'topic' }],
  ])('signs or not (%s) what stands at %j', (signs, place) => {
    const content: readonly CertifiedPart[] = [...BY_HEADERS.content, { lines: ['a'] }, { json: ['b', 'c'] }]
    expect(certificates().signs?.(place, { ...BY_HEADERS, content })).toBe(signs)
  })

  const complaint = (scheme: Partial<CertificateScheme>, isExpecting = true): string | undefined => {
    const { expected, ...others } = { ...BY_HEADERS, ...scheme }
    return certificates().complaint(isExpecting && expected ? { ...others, expected } : others, [])
  }

  it('signs its time, and what it expects; or what is configured', () => {
    expect(complaint({})).toBeUndefined()
    expect(complaint({ content: ['timestamp', 'configured'] }, false)).toBeUndefined()
    expect(complaint({ content: [{ header: 'time' }, { header: 'topic' }] })).toBeUndefined()
    expect(complaint({ content: [{ header: 'topic' }] })).toContain(
      'timestamp that is not part of the signed',
    )
    expect(complaint({ content: [{ header: 'topic' }, 'configured'] })).toContain(
      'timestamp that is not part',
    )
    expect(complaint({}, false)).toContain('neither signs nor expects what is configured')
    expect(complaint({ content: ['timestamp', 'configured'] })).toContain(
      'expects what is not part of the signed',
    )
    expect(complaint({ expected: { header: 'other' } })).toContain('expects what is not part of the signed')
  })

  it('names a host', () => {
    expect(complaint({ certificate: { ...BY_HEADERS.certificate, hosts: '' } })).toContain('names no host')
  })
})
