import { createHash, createHmac, generateKeyPairSync, sign as signBytes, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  httpMessageSignatures,
  type HttpMessageSignaturesOptions,
} from '../providers/http-message-signatures.ts'
import type { MessageAlgorithm } from './scheme.ts'
import { signRequest } from './sign.ts'
import { verify, type Verdict } from './verify.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const NOW = NOW_MS / 1000
const KEY = Buffer.alloc(32, 7)
const BODY = '{"id":"1","type":"sample"}'
const DIGEST = `sha-256=:${createHash('sha256').update(BODY).digest('base64')}:`
const COVERED = '("@method" "@authority" "@path" "content-digest")'

type Headers = readonly (readonly [string, string])[]

/** A request whose signature base is written here by hand, line for line. */
interface Wishes {
  readonly parameters?: string
  readonly covered?: string
  readonly base?: string
  readonly digest?: string
  readonly host?: string
  readonly url?: string
  readonly body?: string
  readonly label?: string
}

const LINES = `"@method": POST\n"@authority": example.com\n"@path": /hooks\n"content-digest": `

function headersOf({
  parameters = `;created=${NOW}`,
  covered = COVERED,
  digest = DIGEST,
  base = `${LINES}${digest}`,
  host = 'example.com',
  label = 'sig1',
}: Wishes = {}): Headers {
  const input = `${covered}${parameters}`
  const content = `${base}${base === '' ? '' : '\n'}"@signature-params": ${input}`
  return [
    ['host', host],
    ['content-digest', digest],
    ['signature-input', `${label}=${input}`],
    ['signature', `${label}=:${createHmac('sha256', KEY).update(content).digest('base64')}:`],
  ]
}

function arrive(
  wishes: Wishes = {},
  options: HttpMessageSignaturesOptions = {},
  headers: Headers = headersOf(wishes),
): Promise<Verdict> {
  const source = httpMessageSignatures({ secret: KEY.toString('base64'), ...options })
  const { url = '/hooks?a=1', body = BODY } = wishes
  return verify({ method: 'POST', url, headers, body: Buffer.from(body) }, source, { now: () => NOW_MS })
}

const refused = (reason: string): unknown => ({ ok: false, reason })

function changed(name: string, value: string, headers = headersOf()): Headers {
  return headers.map(([other, own]) => [other, other === name ? value : own])
}

describe('a message signature', () => {
  it('over a base that was written by hand is accepted', async () => {
    expect(await arrive()).toMatchObject({ ok: true, scheme: 'rfc9421', event: { id: '1', type: 'sample' } })
  })

  it('must cover what the receiver says, whatever else it covers', async () => {
    const partly = {
      covered: '("@method" "@authority" "@path")',
      base: LINES.slice(0, LINES.lastIndexOf('\n')),
    }
    expect(await arrive(partly)).toEqual(refused('not_covered'))
    expect(await arrive(partly, { components: ['@method', '@authority', '@path'] })).toMatchObject({
      ok: true,
    })
    expect(await arrive({ covered: '()', base: '' })).toEqual(refused('not_covered'))
    const keyed = { covered: '("@method" "@authority" "@path" "content-digest";key="sha-256")' }
    expect(await arrive(keyed)).toEqual(refused('not_covered'))
  })

  it.each([
    ['method', { method: 'PUT' }],
    ['host', { headers: changed('host', 'evil.example') }],
    ['path', { url: '/hooks/other' }],
  ])('does not fit another %s', async (_, other) => {
    const source = httpMessageSignatures({ secret: KEY.toString('base64') })
    const request = { method: 'POST', url: '/hooks', headers: headersOf(), body: Buffer.from(BODY), ...other }
    expect(await verify(request, source, { now: () => NOW_MS })).toEqual(refused('signature_mismatch'))
  })

  it('is not renewed by another time, and does not outlast its own end', async () => {
    expect(await arrive({ parameters: `;created=${NOW - 301}` })).toEqual(refused('stale'))
    expect(await arrive({ parameters: `;created=${NOW + 301}` })).toEqual(refused('future'))
    expect(await arrive({ parameters: `;created=${NOW};expires=${NOW}` })).toMatchObject({ ok: true })
    expect(await arrive({ parameters: `;created=${NOW};expires=${NOW - 1}` })).toEqual(refused('stale'))
    expect(await arrive({ parameters: '' })).toEqual(refused('missing_header'))
    expect(await arrive({ parameters: ';created="1"' })).toEqual(refused('malformed_timestamp'))
    expect(await arrive({ parameters: `;created=${NOW}.5` })).toEqual(refused('malformed_timestamp'))
    const renewed = headersOf({ parameters: `;created=${NOW - 301}` })
    const text = renewed[2]![1].replace(String(NOW - 301), String(NOW))
    expect(await arrive({}, {}, changed('signature-input', text, renewed))).toEqual(
      refused('signature_mismatch'),
    )
  })

  it('names no algorithm but the receiver’s', async () => {
    expect(await arrive({ parameters: `;created=${NOW};alg="hmac-sha256"` })).toMatchObject({ ok: true })
    for (const alg of ['"ed25519"', '"none"', 'hmac-sha256', '""']) {
      expect(await arrive({ parameters: `;created=${NOW};alg=${alg}` })).toEqual(refused('malformed_header'))
    }
  })

  it('has the tag of this receiver, where there is one', async () => {
    const options = { tag: 'hooks' }
    expect(await arrive({ parameters: `;created=${NOW};tag="hooks"` }, options)).toMatchObject({ ok: true })
    expect(await arrive({ parameters: `;created=${NOW};tag="other"` }, options)).toEqual(
      refused('malformed_header'),
    )
    expect(await arrive({}, options)).toEqual(refused('malformed_header'))
  })

  it('covers nothing twice, and nothing that is read in several ways', async () => {
    for (const more of [
      '"@path"',
      '"content-digest"',
      '"@status"',
      '"@unknown"',
      '"absent"',
      '"Host"',
      'host',
      '"host";sf',
      '"host";req',
      '"host";tr',
      '"@path";bs',
      '"host";bs;key="a"',
      '"@query-param"',
      '1',
    ]) {
      const covered = COVERED.replace(')', ` ${more})`)
      expect([more, await arrive({ covered })]).toEqual([more, refused('missing_content')])
    }
  })

  it('reads fields as they came, by their members or by their bytes', async () => {
    const covered = COVERED.replace(
      ')',
      ' "content-digest";key="sha-256" "host";bs "@query" "@query-param";name="a%20b")',
    )
    const base = [
      `${LINES}${DIGEST}`,
      `"content-digest";key="sha-256": ${DIGEST.slice('sha-256='.length)}`,
      `"host";bs: :${Buffer.from('example.com').toString('base64')}:`,
      '"@query": ?a+b=c%27d+e&x',
      '"@query-param";name="a%20b": c%27d%20e',
    ].join('\n')
    expect(await arrive({ covered, base, url: '/hooks?a+b=c%27d+e&x' })).toMatchObject({ ok: true })
    expect(await arrive({ covered, base, url: '/hooks?a+b=c%27d+e&x&a%20b=1' })).toEqual(
      refused('missing_content'),
    )
  })

  it('is one of several where several came, up to eight', async () => {
    const other = headersOf({ label: 'other' }).map(
      ([name, value]) => [name, value.replace('sig1', 'x')] as const,
    )
    const both = headersOf().map(([name, value], at) =>
      name.startsWith('signature')
        ? ([name, `${other[at]![1].replace(/=:[^:]*:/, '=:AAAA:')}, ${value}`] as const)
        : ([name, value] as const),
    )
    expect(await arrive({}, {}, both)).toMatchObject({ ok: true })
    const many = Array.from({ length: 9 }, (_, at) => `s${at}=();created=1`).join(', ')
    expect(await arrive({}, {}, changed('signature-input', many))).toEqual(refused('malformed_header'))
  })

  it.each([
    ['signature-input', ''],
    ['signature-input', 'sig1'],
    ['signature-input', 'sig1=1'],
    ['signature-input', 'sig1=("@method"'],
    ['signature-input', 'é'],
    ['signature-input', 'a'.repeat(64 * 1024)],
    ['signature', 'sig1=("a")'],
    ['signature', 'sig1="text"'],
    ['signature', 'sig1=:A:'],
    ['signature', 'other=:AAAA:'],
    ['signature', 'a'.repeat(64 * 1024)],
  ])('in another form is refused, and not thrown: %s', async (name, value) => {
    const verdict = await arrive({}, {}, changed(name, value))
    expect(verdict.ok ? 'ok' : verdict.reason).toMatch(/^(?:malformed|missing)_header$/)
  })

  it('of another length is none', async () => {
    for (const bytes of [
      '',
      'AAAA',
      Buffer.alloc(31).toString('base64'),
      Buffer.alloc(4000).toString('base64').slice(0, 4000),
    ]) {
      const verdict = await arrive({}, {}, changed('signature', `sig1=:${bytes}:`))
      expect(verdict).toMatchObject({ ok: false })
    }
  })
})

describe('the digest of a body', () => {
  it('has to be its own, and by a hash that cannot be collided', async () => {
    expect(await arrive({ body: `${BODY} ` })).toEqual(refused('digest_mismatch'))
    const sha512 = `sha-512=:${createHash('sha512').update(BODY).digest('base64')}:`
    expect(await arrive({ digest: sha512 })).toMatchObject({ ok: true })
    expect(await arrive({ digest: `${DIGEST}, ${sha512}` })).toMatchObject({ ok: true })
    const md5 = `md5=:${createHash('md5').update(BODY).digest('base64')}:`
    expect(await arrive({ digest: md5 })).toEqual(refused('digest_mismatch'))
    expect(await arrive({ digest: `${md5}, ${DIGEST}` })).toMatchObject({ ok: true })
    const wrong = `sha-512=:${createHash('sha512').update('x').digest('base64')}:`
    expect(await arrive({ digest: `${DIGEST}, ${wrong}` })).toEqual(refused('digest_mismatch'))
    for (const digest of ['', 'sha-256', 'sha-256=1', 'sha-256=:AAAA:', 'sha-256="x"']) {
      expect(await arrive({ digest })).toEqual(refused('digest_mismatch'))
    }
  })
})

describe('the host that is covered', () => {
  it('is the request’s own, without the port that goes without saying, or the one that is configured', async () => {
    expect(await arrive({ host: 'EXAMPLE.com:443' })).toMatchObject({ ok: true })
    expect(await arrive({ url: 'https://example.com/hooks?a=1', host: 'internal' })).toMatchObject({
      ok: true,
    })
    const behindProxy = { origin: 'https://example.com' }
    expect(await arrive({ host: 'internal:8080' }, behindProxy)).toMatchObject({ ok: true })
    expect(await arrive({ host: 'internal:8080' })).toEqual(refused('signature_mismatch'))
    expect(await arrive({ host: 'example.com:8443' })).toEqual(refused('signature_mismatch'))
    // What was signed for another host, with that host in its header.
    const forOther = {
      base: `${LINES}${DIGEST}`.replace('example.com', 'other.example'),
      host: 'other.example',
    }
    expect(await arrive(forOther, behindProxy)).toEqual(refused('signature_mismatch'))
    expect(await arrive(forOther)).toMatchObject({ ok: true })
    expect(httpMessageSignatures({ secret: KEY.toString('base64') }).warnings.join()).toContain(
      'another host',
    )
    expect(httpMessageSignatures({ secret: KEY.toString('base64'), ...behindProxy }).warnings).toEqual([])
  })
})

describe('the algorithm of a key', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pairs = {
    ed25519: generateKeyPairSync('ed25519'),
    'ecdsa-p256-sha256': generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
    'rsa-pss-sha512': rsa,
    'rsa-v1_5-sha256': rsa,
  }
  const algorithms = Object.keys(pairs) as (keyof typeof pairs)[]
  const publicPem = (algorithm: keyof typeof pairs): string =>
    pairs[algorithm].publicKey.export({ type: 'spki', format: 'pem' }).toString()

  it.each(algorithms)('signs and verifies: %s', async (algorithm) => {
    const source = httpMessageSignatures({ secret: publicPem(algorithm), algorithm, keyFormat: 'utf8' })
    const privateKey = pairs[algorithm].privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const headers = { host: 'example.com' }
    const signed = signRequest(source, { body: BODY, nowMs: NOW_MS, url: '/hooks', headers, privateKey })
    const request = { url: '/hooks', headers: { ...headers, ...signed.headers }, body: signed.body }
    expect(await verify(request, source, { now: () => NOW_MS })).toMatchObject({ ok: true })
    const others = algorithms.filter(
      (other) => other !== algorithm && other.startsWith('rsa') === algorithm.startsWith('rsa'),
    )
    for (const other of others) {
      if (!other.startsWith('rsa')) continue
      const confused = httpMessageSignatures({
        secret: publicPem(algorithm),
        algorithm: other,
        keyFormat: 'utf8',
      })
      expect(await verify(request, confused, { now: () => NOW_MS })).toEqual(refused('signature_mismatch'))
    }
  })

  it('is not that of a key of another kind, or of one that is too short', () => {
    const cases: readonly (readonly [MessageAlgorithm, string])[] = [
      ['ed25519', publicPem('ecdsa-p256-sha256')],
      ['ecdsa-p256-sha256', publicPem('ed25519')],
      ['rsa-pss-sha512', publicPem('ed25519')],
      ['ecdsa-p256-sha256', pem(generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey)],
      ['rsa-v1_5-sha256', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)],
      ['rsa-v1_5-sha256', 'no key'],
    ]
    for (const [algorithm, secret] of cases) {
      expect(() => httpMessageSignatures({ secret, algorithm, keyFormat: 'utf8' })).toThrow(/no public key/)
    }
  })

  it('of ECDSA is two numbers side by side, and not DER', async () => {
    const source = httpMessageSignatures({
      secret: publicPem('ecdsa-p256-sha256'),
      algorithm: 'ecdsa-p256-sha256',
    })
    const input = `${COVERED};created=${NOW}`
    const content = `${LINES}${DIGEST}\n"@signature-params": ${input}`
    const by = (dsaEncoding: 'der' | 'ieee-p1363'): string =>
      signBytes('sha256', Buffer.from(content), {
        key: pairs['ecdsa-p256-sha256'].privateKey,
        dsaEncoding,
      }).toString('base64')
    const arriveBy = (signature: string): Promise<Verdict> =>
      verify(
        {
          url: '/hooks',
          headers: [
            ['host', 'example.com'],
            ['content-digest', DIGEST],
            ['signature-input', `a=${input}`],
            ['signature', `a=:${signature}:`],
          ],
          body: Buffer.from(BODY),
        },
        source,
        { now: () => NOW_MS },
      )
    expect(await arriveBy(by('ieee-p1363'))).toMatchObject({ ok: true })
    expect(await arriveBy(by('der'))).toEqual(refused('signature_mismatch'))
  })
})

it('a scheme that requires what is no component, has no origin in its origin, or a tag beyond ASCII, is refused', () => {
  for (const components of [['@status'], ['@query-param'], ['Host'], ['@nothing']]) {
    expect(() => httpMessageSignatures({ components })).toThrow(/components must be a list of components/)
  }
  for (const origin of ['example.com', 'https://example.com/', 'ftp://example.com', '']) {
    expect(() => httpMessageSignatures({ origin })).toThrow(/origin must be like https/)
  }
  expect(() => httpMessageSignatures({ tag: 'hôoks' })).toThrow(/tag must be printable ASCII/)
})

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString()
}
