import { sign as signBytes } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { makeCertificate, type Certified } from '../../../../test/support/certificates.ts'
import { awsSns, type AwsSnsOptions } from '../providers/aws-sns.ts'
import { paypal } from '../providers/paypal.ts'
import { readCertified } from './certificate.ts'
import type { KeyFetch } from './fetched-keys.ts'
import { verify, type Verdict } from './verify.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:orders'
const URL = 'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem'

const own = makeCertificate({ name: 'sns.amazonaws.com' })
const root = makeCertificate({ name: 'root.example', isAuthority: true })
const middle = makeCertificate({ name: 'middle.example', issuer: root, isAuthority: true })
const paypalOwn = makeCertificate({ name: 'messageverificationcerts.paypal.com', issuer: middle })

type Message = Readonly<Record<string, string>>

const NOTIFICATION: Message = {
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: TOPIC,
  Message: 'Hello\nworld',
  Timestamp: '2026-03-02T22:20:01.000Z',
  SignatureVersion: '2',
  SigningCertURL: URL,
}

/** As Amazon's page has it, written anew: names in alphabetical order, each on a line before its value. */
function stringToSign(message: Message): string {
  const names = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
  return names.flatMap((name) => (message[name] === undefined ? [] : [name, message[name]])).join('\n') + '\n'
}

function signed(message: Message, { privateKey }: Certified = own): Message {
  const digest = message['SignatureVersion'] === '1' ? 'sha1' : 'sha256'
  return {
    ...message,
    Signature: signBytes(digest, Buffer.from(stringToSign(message)), privateKey).toString('base64'),
  }
}

function serving(pem: string, asked: string[] = []): KeyFetch {
  return (url) => {
    asked.push(url)
    return Promise.resolve(new Response(pem))
  }
}

function arrive(message: Message | string, options: AwsSnsOptions = {}, nowMs = NOW_MS): Promise<Verdict> {
  const source = awsSns({ topicArn: TOPIC, fetch: serving(own.certificate), ...options })
  const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))
  return verify({ headers: [], body }, source, { now: () => nowMs })
}

const refused = (reason: string): unknown => ({ ok: false, reason })

describe('members signed by a key whose certificate is fetched', () => {
  it('are accepted under either version of the signature, where both are', async () => {
    expect(await arrive(signed(NOTIFICATION))).toMatchObject({ ok: true, scheme: 'sns-v2' })
    const first = signed({ ...NOTIFICATION, SignatureVersion: '1' })
    expect(await arrive(first)).toMatchObject({ ok: true, scheme: 'sns-v1' })
    expect(await arrive(first, { signatureVersions: ['2'] })).toEqual(refused('malformed_header'))
    const named = { ...signed(NOTIFICATION), SignatureVersion: '1' }
    expect(await arrive(named)).toEqual(refused('signature_mismatch'))
  })

  it('are not accepted with one of them changed, added or taken away', async () => {
    const good = signed({ ...NOTIFICATION, Subject: 'a' })
    for (const name of ['Message', 'MessageId', 'Subject', 'Type']) {
      expect(await arrive({ ...good, [name]: `${good[name]}x` })).toEqual(refused('signature_mismatch'))
      const { [name]: _, ...without } = good
      expect(await arrive(without as Message)).toEqual(refused('signature_mismatch'))
    }
    expect(await arrive({ ...good, Token: 'x' })).toEqual(refused('signature_mismatch'))
    expect(await arrive({ ...good, Timestamp: '2026-03-02T22:20:02.000Z' })).toEqual(
      refused('signature_mismatch'),
    )
  })

  // What is signed says nothing of where a value ends: "Message\nA\nMessageId\nB\n" is a message of one line and an id,
  // or one whose text goes on. Whoever may publish writes the text, and would make one message several.
  it('cannot be taken apart in another way', async () => {
    const message = `text\nMessageId\nanother\nSubject\nforged`
    const good = signed({ ...NOTIFICATION, Message: message })
    expect(await arrive(good)).toMatchObject({ ok: true })
    const shifted: Message = {
      ...good,
      Message: 'text',
      MessageId: 'another',
      Subject: `forged\nMessageId\n${NOTIFICATION['MessageId']}`,
    }
    expect(stringToSign(shifted)).toBe(stringToSign(good))
    expect(await arrive(shifted)).toEqual(refused('missing_content'))
  })

  it('may come once only: whoever reads the bytes might take the other', async () => {
    const text = JSON.stringify(signed(NOTIFICATION))
    expect(await arrive(text)).toMatchObject({ ok: true })
    expect(await arrive(text.replace('{', '{"Message":"forged",'))).toEqual(refused('duplicate_secret'))
    expect(await arrive(text.replace('{', String.raw`{"Messag\u0065":"forged",`))).toEqual(
      refused('duplicate_secret'),
    )
  })

  it('must be of a topic that is expected, or no certificate is fetched', async () => {
    const asked: string[] = []
    const fetch = serving(own.certificate, asked)
    const other = signed({ ...NOTIFICATION, TopicArn: 'arn:aws:sns:eu-central-1:999999999999:orders' })
    expect(await arrive(other, { fetch })).toEqual(refused('not_for_us'))
    expect(await arrive(other, { fetch, topicArn: 'arn:aws:sns:eu-central-1:123456789012:*' })).toEqual(
      refused('not_for_us'),
    )
    expect(await arrive(other, { fetch, topicArn: undefined })).toEqual(refused('no_secret'))
    expect(asked).toEqual([])
    expect(await arrive(other, { fetch, topicArn: [TOPIC, 'arn:aws:sns:eu-central-1:9999*'] })).toMatchObject(
      {
        ok: true,
        secretIndex: 1,
      },
    )
  })

  it('are stale once the tries of an hour are over, and kept for being genuine', async () => {
    const good = signed(NOTIFICATION)
    expect(await arrive(good, {}, NOW_MS + 3_900_000)).toMatchObject({ ok: true })
    expect(await arrive(good, {}, NOW_MS + 3_901_000)).toEqual(refused('stale'))
    expect(await arrive(good, {}, NOW_MS - 3_901_000)).toEqual(refused('future'))
  })
})

describe('the address of a certificate', () => {
  const hostile = [
    'http://sns.eu-central-1.amazonaws.com/a.pem',
    'https://sns.eu-central-1.amazonaws.com.evil.example/a.pem',
    'https://evil.example/sns.eu-central-1.amazonaws.com/a.pem',
    'https://evil.example#.sns.eu-central-1.amazonaws.com/a.pem',
    'https://sns.eu-central-1.amazonaws.com@evil.example/a.pem',
    'https://evil.example@sns.eu-central-1.amazonaws.com/a.pem',
    'https://sns.eu-central-1.amazonaws.com:8443/a.pem',
    String.raw`https:\\sns.eu-central-1.amazonaws.com/a.pem`,
    String.raw`https://evil.example\.sns.eu-central-1.amazonaws.com/a.pem`,
    'https://sns.eu-central-1.amazonaws.com/a.pem?x',
    'https://sns.eu-central-1.amazonaws.com/a.pem#x',
    'https://sns.eu-central-1.amazonaws.com/../a.pem',
    'https://sns.eu-central-1.amazonaws.com/%2e%2e/a.pem',
    'https://sns.eu-central-1.amazonaws.com/a.txt',
    'https://sns.eu-central-1.amazonaws.com/a.pem\n',
    '\thttps://sns.eu-central-1.amazonaws.com/a.pem',
    'HTTPS://SNS.EU-CENTRAL-1.AMAZONAWS.COM/a.pem',
    'https://sns.amazonaws.com/a.pem',
    'https://xsns.eu-central-1.amazonaws.com/a.pem',
    'https://sns.eu-central-1.amazonaws.com.cn.evil.example/a.pem',
    // A bucket called "sns", by the old addresses of S3.
    'https://sns.s3-us-west-2.amazonaws.com/a.pem',
    'https://sns.s3.amazonaws.com/a.pem',
    'https://sns.eu-central-1.amazonaws.com./a.pem',
    `https://sns.eu-central-1.amazonaws.com/${'a'.repeat(4096)}.pem`,
    'file:///etc/passwd',
    'https://169.254.169.254/a.pem',
    '',
  ]

  it('that is not pinned is refused, and nothing is fetched', async () => {
    const asked: string[] = []
    for (const address of hostile) {
      const verdict = await arrive(signed({ ...NOTIFICATION, SigningCertURL: address }), {
        fetch: serving(own.certificate, asked),
      })
      expect([address, verdict]).toEqual([address, refused('untrusted_key_url')])
    }
    expect(asked).toEqual([])
  })

  it.each([
    'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-56e67fcb41f6fec09b0196692625d385.pem',
    'https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem',
    'https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.us-isob-east-1.amazonaws.com/a.pem',
  ])('that is pinned is fetched as it stands: %s', async (address) => {
    const asked: string[] = []
    const fetch = serving(own.certificate, asked)
    expect(await arrive(signed({ ...NOTIFICATION, SigningCertURL: address }), { fetch })).toMatchObject({
      ok: true,
    })
    expect(asked).toEqual([address])
  })
})

describe('a certificate', () => {
  const ofDates = (from: string, to: string): Certified =>
    makeCertificate({ name: 'sns.amazonaws.com', from, to })

  it('is not trusted before or after its dates', async () => {
    const past = ofDates('20200101000000Z', '20260302222000Z')
    const coming = ofDates('20260302222002Z', '20400101000000Z')
    for (const each of [past, coming]) {
      expect(await arrive(signed(NOTIFICATION, each), { fetch: serving(each.certificate) })).toEqual(
        refused('untrusted_certificate'),
      )
    }
  })

  it('of another key verifies nothing', async () => {
    const other = ofDates('20200101000000Z', '20400101000000Z')
    expect(await arrive(signed(NOTIFICATION), { fetch: serving(other.certificate) })).toEqual(
      refused('signature_mismatch'),
    )
  })

  it.each([
    ['nothing', ''],
    ['a page', '<html>404</html>'],
    ['a broken one', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['one over another kind of key', makeCertificate({ name: 'a', kind: 'ec' }).certificate],
    ['one over a short key', makeCertificate({ name: 'a', bits: 1024 }).certificate],
    ['a private key', own.privateKey],
    ['more than a key can be', `${own.certificate}${' '.repeat(64 * 1024)}`],
  ])('that is %s is as good as none: the sender is asked to come again', async (_, pem) => {
    expect(await arrive(signed(NOTIFICATION), { fetch: serving(pem) })).toEqual(refused('key_unavailable'))
  })

  it.each([
    ['a refusal', () => Promise.resolve(new Response(own.certificate, { status: 404 }))],
    ['a redirect', () => Promise.resolve(Response.redirect('https://evil.example/a.pem'))],
    ['a failure', () => Promise.reject(new TypeError('fetch failed'))],
    [
      'a throw',
      () => {
        throw new TypeError('no fetch')
      },
    ],
  ] as const)('behind %s is none', async (_, fetch) => {
    expect(await arrive(signed(NOTIFICATION), { fetch })).toEqual(refused('key_unavailable'))
  })

  it('is read where it stands beside others, the first being its own', () => {
    expect(readCertified(Buffer.from(paypalOwn.certificate + middle.certificate))?.chain).toHaveLength(2)
    expect(readCertified(Buffer.from(`text before\n${own.certificate}`))?.chain).toHaveLength(1)
  })
})

describe('a certificate that has to lead to a root', () => {
  const body = Buffer.from('{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}')
  const headersBy = ({ privateKey }: Certified, webhookId = 'WEBHOOK1', crc = crc32Of(body)): Message => {
    const content = `t1|2026-03-02T22:20:01Z|${webhookId}|${crc}`
    return {
      'paypal-transmission-id': 't1',
      'paypal-transmission-time': '2026-03-02T22:20:01Z',
      'paypal-auth-algo': 'SHA256withRSA',
      'paypal-cert-url': 'https://api.paypal.com/v1/notifications/certs/CERT-1',
      'paypal-transmission-sig': signBytes('sha256', Buffer.from(content), privateKey).toString('base64'),
    }
  }
  const arriveBy = (
    certified: Certified,
    pem: string,
    trusted: readonly string[] | 'roots of Node' = [root.certificate],
    nowMs = NOW_MS,
  ): Promise<Verdict> => {
    const source = paypal({
      webhookId: ['OTHER', 'WEBHOOK1'],
      fetch: serving(pem),
      ...(typeof trusted !== 'string' && { trustedCertificates: trusted }),
    })
    return verify({ headers: headersBy(certified), body }, source, { now: () => nowMs })
  }

  it('does, over one that the address gives too, or to one that is trusted itself', async () => {
    const chain = paypalOwn.certificate + middle.certificate
    expect(await arriveBy(paypalOwn, chain)).toMatchObject({ ok: true, secretIndex: 1 })
    expect(await arriveBy(paypalOwn, chain + root.certificate)).toMatchObject({ ok: true })
    expect(await arriveBy(paypalOwn, paypalOwn.certificate, [middle.certificate])).toMatchObject({ ok: true })
    expect(await arriveBy(paypalOwn, paypalOwn.certificate, [paypalOwn.certificate])).toMatchObject({
      ok: true,
    })
  })

  const forgedRoot = makeCertificate({ name: 'root.example', isAuthority: true })
  const noAuthority = makeCertificate({ name: 'messageverificationcerts.paypal.com', issuer: root })
  const byNoAuthority = makeCertificate({ name: 'www.paypal.com', issuer: noAuthority })
  const ofOtherName = makeCertificate({ name: 'messageverificationcerts.evil.example', issuer: root })
  const oldMiddle = makeCertificate({
    name: 'old.example',
    issuer: root,
    isAuthority: true,
    to: '20260101000000Z',
  })
  const byOldMiddle = makeCertificate({ name: 'www.paypal.com', issuer: oldMiddle })
  const byForgedRoot = makeCertificate({ name: 'www.paypal.com', issuer: forgedRoot })
  const alone = makeCertificate({ name: 'www.paypal.com' })

  it.each([
    ['signs itself', alone, alone.certificate],
    ['has a gap before the root', paypalOwn, paypalOwn.certificate],
    ['is by a root of the same name', byForgedRoot, byForgedRoot.certificate + forgedRoot.certificate],
    ['is by one that is no authority', byNoAuthority, byNoAuthority.certificate + noAuthority.certificate],
    ['is by one that has ended', byOldMiddle, byOldMiddle.certificate + oldMiddle.certificate],
    ['is for another name', ofOtherName, ofOtherName.certificate],
  ])('does not where it %s', async (_, certified, pem) => {
    expect(await arriveBy(certified, pem)).toEqual(refused('untrusted_certificate'))
  })

  it('has Node’s roots to lead to where no others are given', async () => {
    expect(rootCertificates.length).toBeGreaterThan(50)
    const chain = paypalOwn.certificate + middle.certificate + root.certificate
    expect(await arriveBy(paypalOwn, chain, 'roots of Node')).toEqual(refused('untrusted_certificate'))
  })

  it('does not lead to one that has ended, though it is trusted', async () => {
    const ended = makeCertificate({ name: 'ended.example', isAuthority: true, to: '20260101000000Z' })
    const byEnded = makeCertificate({ name: 'www.paypal.com', issuer: ended })
    expect(await arriveBy(byEnded, byEnded.certificate, [ended.certificate])).toEqual(
      refused('untrusted_certificate'),
    )
  })

  it('is no key by itself', async () => {
    const key = readCertified(Buffer.from(paypalOwn.certificate))!.key.export({ type: 'spki', format: 'pem' })
    expect(await arriveBy(paypalOwn, key.toString())).toEqual(refused('untrusted_certificate'))
  })

  it('signs for one webhook only', async () => {
    const source = paypal({ webhookId: 'OTHER', fetch: serving(paypalOwn.certificate + middle.certificate) })
    const verdict = await verify({ headers: headersBy(paypalOwn), body }, source, { now: () => NOW_MS })
    expect(verdict).toEqual(refused('untrusted_certificate'))
    const trusting = paypal({
      webhookId: 'OTHER',
      fetch: serving(paypalOwn.certificate + middle.certificate),
      trustedCertificates: [root.certificate],
    })
    expect(await verify({ headers: headersBy(paypalOwn), body }, trusting, { now: () => NOW_MS })).toEqual(
      refused('signature_mismatch'),
    )
  })

  it('covers no more than the CRC of the body, which another body has too; the operator is told', async () => {
    const forged = withCrc('{"id":"WH-2","event_type":"FORGED","pad":"', crc32Of(body), '"}')
    expect(forged.equals(body)).toBe(false)
    const source = paypal({
      webhookId: 'WEBHOOK1',
      fetch: serving(paypalOwn.certificate + middle.certificate),
      trustedCertificates: [root.certificate],
    })
    const verdict = await verify({ headers: headersBy(paypalOwn), body: forged }, source, {
      now: () => NOW_MS,
    })
    expect(verdict).toMatchObject({ ok: true, event: { id: 'WH-2' } })
    expect(source.warnings.join()).toContain('CRC-32')
    expect(source.envelopes[0]).toMatchObject({ idSigned: false })
  })
})

/** CRC-32 bit by bit, apart from the library's. */
function crc32Of(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

/**
 * A body of another text with the CRC-32 that is wanted. The CRC is linear in the body's bits: which of the padding's letters to
 * change is a system of 32 equations, solved by elimination.
 */
function withCrc(before: string, wanted: number, after: string): Buffer {
  const letters = 40
  const body = Buffer.from(before + '@'.repeat(letters) + after)
  const plain = crc32Of(body)
  const basis: { readonly at: ReadonlySet<number>; readonly crc: number }[] = []
  for (let at = 0; at < letters; at += 1) {
    const changed = Buffer.from(body)
    changed[before.length + at]! ^= 1
    const rest = reduced({ at: new Set([at]), crc: (crc32Of(changed) ^ plain) >>> 0 }, basis)
    if (rest.crc !== 0) basis.push(rest)
    basis.sort((left, right) => right.crc - left.crc)
  }
  const { at } = reduced({ at: new Set(), crc: (plain ^ wanted) >>> 0 }, basis)
  for (const letter of at) body[before.length + letter]! ^= 1
  expect(crc32Of(body)).toBe(wanted)
  return body
}

interface Change {
  /** The letters that are changed. */
  readonly at: ReadonlySet<number>
  readonly crc: number
}

function reduced(change: Change, basis: readonly Change[]): Change {
  return basis.reduce((left, each) => {
    const crc = (left.crc ^ each.crc) >>> 0
    return crc < left.crc ? { crc, at: symmetricDifference(left.at, each.at) } : left
  }, change)
}

function symmetricDifference(left: ReadonlySet<number>, right: ReadonlySet<number>): ReadonlySet<number> {
  return new Set([...left, ...right].filter((each) => left.has(each) !== right.has(each)))
}
