import { describe, expect, it } from 'vitest'
import { breakages, type Breakage, type Broken } from '../../../../test/support/breakages.ts'
import {
  schemeCases,
  secretOf,
  signedSample,
  sourceOf,
  type Arrived,
  type SchemeCase,
} from '../../../../test/support/signed-sample.ts'
import { otherKeys, otherSecretOf, signAny } from '../../../../test/support/other-schemes.ts'
import { defineAnySource, sign, type RequestLike } from '../core/index.ts'
import { eventgrid, github, gitlabToken, providers } from '../providers/index.ts'
import { samples } from '../providers/samples/index.ts'
import { explain, type Explanation } from './index.ts'

const NOW_MS = 1_772_490_001_000
const now = (): number => NOW_MS

describe('explain, of a request that is broken in one way', () => {
  it.each(schemeCases)('names that way, whichever it is: $title', (of) => {
    const wrong: string[] = []
    for (const { breakage, broken } of brokenWays(of)) {
      const problem = problemOf(breakage, explained(of, broken))
      if (problem !== undefined) wrong.push(`${breakage.name}: ${problem}`)
    }
    expect(wrong).toEqual([])
  })

  it('is asked of every way, and of many schemes', () => {
    const made = breakages.map(
      ({ name, make }) =>
        [name, schemeCases.filter((of) => make(of, NOW_MS, bodyOf(of)) !== undefined).length] as const,
    )
    expect(made.filter(([, count]) => count < 2)).toEqual([])
    expect(schemeCases.length).toBeGreaterThanOrEqual(60)
  })
})

describe('explain', () => {
  it('refuses a body that is no bytes with a TypeError', () => {
    for (const body of ['{}', {}, undefined, null, [123, 125], new ArrayBuffer(2)]) {
      const request = { headers: [], body } as unknown as RequestLike
      expect(() => explain(request, github({ secret: 'a secret' }))).toThrow(TypeError)
      expect(() => explain(request, github({ secret: 'a secret' }))).toThrow(/raw bytes as received/)
    }
  })

  const SECRET = 'a-secret-of-16-bytes-or-more'
  const source = github({ secret: SECRET })
  const body = '{"zen":"Keep it logically awesome.","hook_id":1,"action":"ping"}'
  const sent = (changed: Partial<RequestLike> = {}): RequestLike => ({
    headers: Object.entries(sign(source, { body, nowMs: NOW_MS })),
    body: Buffer.from(body),
    ...changed,
  })
  const causes = ({ findings }: Explanation): readonly string[] => findings.map(({ cause }) => cause)

  it.each([
    ['/', 'header_missing', 'the URL does not have the secret, as ?code=…'],
    ['/?code=a&code=b', 'header_duplicated', 'the URL has ?code=… twice'],
  ])('looks for a secret of the URL there: %s', async (url, cause, evidence) => {
    const { findings } = await explain(
      { url, headers: {}, body: Buffer.from('[]') },
      eventgrid({ secret: SECRET }),
    )
    expect(findings).toMatchObject([{ cause, evidence }])
  })

  it.each(providers.map((provider) => [provider.name, provider] as const))(
    'says something of a request that %s did not sign, whatever its method',
    (_, provider) => {
      const names = new Set(provider.schemes.map(({ verifiedBy = 'secret' }) => verifiedBy))
      const [scheme] = provider.schemes
      const secret = otherSecretOf(scheme!, 1) ?? secretOf(scheme!, 1)
      const configured = defineAnySource(
        provider,
        names.has('secret') ? { secret } : { otherSecrets: { [[...names][0]!]: secret } },
        otherKeys(),
      )
      const headers = { 'content-type': 'application/json', 'x-other': 'a' }
      const { verdict, findings } = explain({ headers, body: Buffer.from('{}') }, configured, ['x'], {
        now,
        providers,
      })
      expect(verdict).not.toBe('verified')
      expect(findings.length).toBeGreaterThan(0)
    },
  )

  it('takes what was found with keys that are fetched, and says what is known of those that were not', async () => {
    const provider = providers.find(({ name }) => name === 'aws-sns')!
    const sns = defineAnySource(provider, { secret: otherSecretOf(provider.schemes[0]!, 1) }, otherKeys())
    const sample = samples.get('aws-sns')![0]!
    const built = sample.build({ id: 'a'.repeat(32), nowMs: NOW_MS })
    const { headers, body: sentBody } = signAny(sns, { ...built, nowMs: NOW_MS, scheme: sample.scheme }, 1)
    const request = {
      method: 'POST',
      url: '',
      headers: Object.entries({ ...built.headers, ...headers }).flat(),
      body: sentBody,
    }
    const checked = await sns.checkFirst?.(sns, request, NOW_MS)
    expect(explain(request, sns, [], { now, checked }).verdict).toBe('verified')
    expect(explain(request, sns, [], { now }).findings).toMatchObject([
      { cause: 'key_unavailable', certainty: 'likely' },
    ])
  })

  it('has nothing to say of a request that verifies', () => {
    expect(explain(sent(), source)).toEqual({
      verdict: 'verified',
      findings: [],
      trials: 0,
      complete: true,
      untried: [],
    })
  })

  it('finds the order of a few members', () => {
    const reordered = Buffer.from('{"action":"ping","hook_id":1,"zen":"Keep it logically awesome."}')
    expect(explain(sent({ body: reordered }), source).findings).toMatchObject([
      { cause: 'body_reserialised', certainty: 'proven', scheme: 'github-signature-256' },
    ])
  })

  it('says both, where it verifies once something is undone and is stale then', () => {
    const of = schemeCases.find(({ title }) => title === 'stripe stripe-v1')!
    const arrived = signedSample(of, { nowMs: NOW_MS - 3600_000 })
    const late = {
      ...arrived,
      headers: [...arrived.headers],
      body: Buffer.concat([arrived.body, Buffer.from('\n')]),
    }
    const { findings } = explain(late, sourceOf(of, of.scheme, [secretOf(of.scheme, 1)]), [], { now })
    expect(findings).toMatchObject([
      { cause: 'body_newline', certainty: 'proven' },
      { cause: 'timestamp_off', certainty: 'proven', evidence: expect.stringContaining('3600 s behind') },
    ])
    expect(findings[1]?.evidence).toContain('about 1 h: local time may have been taken for UTC')
  })

  it('points to what is telling, and to a wrong secret last', () => {
    const headers = [
      ...Object.entries(sign(source, { body, nowMs: NOW_MS })),
      ['Content-Length', '999'],
    ] as const
    const cut = explain({ headers, body: Buffer.from(body.slice(0, -1)) }, source)
    expect(causes(cut)).toEqual(['body_changed', 'wrong_secret'])
    expect(cut.findings[0]?.evidence).toBe('its content-length says 999 bytes, and the body has 63')
    const printed = explain(sent({ body: Buffer.from('[object Object]') }), source)
    expect(causes(printed)).toEqual(['body_reserialised', 'wrong_secret'])
  })

  it('names the providers whose headers a request has, where it has none of the source’s', () => {
    const of = schemeCases.find(({ title }) => title === 'stripe stripe-v1')!
    const arrived = signedSample(of, { nowMs: NOW_MS })
    const { findings } = explain({ ...arrived, headers: [...arrived.headers] }, source, [], {
      now,
      providers,
    })
    expect(findings).toMatchObject([
      { cause: 'header_missing', evidence: "the request has no 'x-hub-signature-256'" },
      { cause: 'other_provider', certainty: 'likely', evidence: 'it has the headers of Stripe' },
    ])
  })

  it.each([
    ['one of two', '{"id":7,"price":1.0}', '{"id":7,"price":1}', '1 of its 2'],
    [
      'two of three, as Python spaces it',
      '{"a": 1.0, "b": -2.0, "c": 3}',
      '{"a":1,"b":-2,"c":3}',
      '2 of its 3',
    ],
    ['all of many', '[1.0,2.0,3.0,4.0,5.0,6.0]', '[1,2,3,4,5,6]', '6 of its 6'],
    ['one of many', '[1,2,3,4,5,6.0,7]', '[1,2,3,4,5,6,7]', '1 of its 7'],
  ])('finds numbers that have lost their .0: %s', (_, signed, arrived, evidence) => {
    const headers = Object.entries(sign(source, { body: signed, nowMs: NOW_MS }))
    const { findings } = explain({ headers, body: Buffer.from(arrived) }, source, [], { now })
    expect(findings).toMatchObject([
      {
        cause: 'body_reserialised',
        certainty: 'proven',
        evidence: expect.stringContaining(evidence) as string,
      },
    ])
  })

  it('does not blame numbers where the secret is wrong', () => {
    const headers = Object.entries(sign(github({ secret: 'another-secret-of-16' }), { body, nowMs: NOW_MS }))
    const { findings } = explain({ headers, body: Buffer.from(body) }, source)
    expect(findings).toMatchObject([
      {
        cause: 'wrong_secret',
        evidence: expect.stringMatching(/ another secret than the one that was tried$/) as string,
      },
    ])
  })

  it('says that there is no secret, and tries candidates all the same', () => {
    expect(explain(sent(), github()).findings).toMatchObject([{ cause: 'no_secret', certainty: 'proven' }])
    expect(explain(sent(), github(), ['another', SECRET]).findings).toMatchObject([
      { cause: 'wrong_secret', certainty: 'proven', evidence: expect.stringContaining('candidate secret 2') },
    ])
  })

  it('says what is wrong with a request that is authentic', () => {
    const text = 'payload=x'
    const signed = {
      headers: Object.entries(sign(source, { body: text, nowMs: NOW_MS })),
      body: Buffer.from(text),
    }
    expect(explain(signed, source).findings).toMatchObject([
      { cause: 'body_unreadable', certainty: 'proven' },
    ])
    const small = github({ secret: SECRET, maxBodyBytes: 10 })
    expect(explain(sent(), small).findings).toMatchObject([{ cause: 'body_too_large', certainty: 'proven' }])
  })

  it('says what is wrong with a secret that is sent as it is', () => {
    const gitlab = gitlabToken({ secret: SECRET })
    const of = (headers: Readonly<Record<string, string>>): readonly string[] =>
      causes(explain({ headers, body: Buffer.from(body) }, gitlab))
    expect(of({ 'x-gitlab-token': ` ${SECRET} ` })).toEqual(['header_folded'])
    expect(of({ 'x-other-token': SECRET })).toEqual(['header_renamed'])
    expect(of({ 'x-gitlab-token': 'wrong' })).toEqual(['wrong_secret'])
    expect(of({})).toEqual(['header_missing'])
  })
})

/** Every way that applies to a scheme. */
function brokenWays(of: SchemeCase): readonly { breakage: Breakage; broken: Broken }[] {
  return breakages.flatMap((breakage) => {
    const broken = breakage.make(of, NOW_MS, bodyOf(of))
    return broken === undefined ? [] : [{ breakage, broken }]
  })
}

function problemOf({ cause, isProven }: Breakage, { verdict, findings }: Explanation): string | undefined {
  if (verdict === 'verified') return 'it verifies all the same'
  const shown = findings.map((each) => `${each.certainty} ${each.cause} (${each.evidence})`).join('; ')
  const found = findings.find((each) => each.cause === cause)
  if (found === undefined) return `${verdict}, ${shown}`
  return isProven && found.certainty !== 'proven' ? `only likely: ${shown}` : undefined
}

function explained(of: SchemeCase, { arrived, configured, candidates, another }: Broken): Explanation {
  const source = sourceOf(of, of.scheme, configured ?? [secretOf(of.scheme, 1)])
  const otherSources = another === undefined ? {} : { other: sourceOf(of, of.scheme, [another]) }
  return explain(requestOf(arrived), source, candidates ?? [], { now, providers, otherSources })
}

function requestOf({
  headers,
  ...rest
}: Arrived): Arrived & { readonly headers: readonly [string, string][] } {
  return { ...rest, headers: headers.map(([name, value]) => [name, value]) }
}

/** The sample's body, with characters in it that writers of JSON differ in. */
function bodyOf(of: SchemeCase): string {
  const { body } = of.sample.build({ id: 'f'.repeat(32), nowMs: NOW_MS })
  if (!/^[[{]/.test(body)) return body
  const parsed: unknown = JSON.parse(body)
  const extra = { note: 'Grüße, <a href="https://example.com/é?x&y">', amount: 12.5 }
  return JSON.stringify(Array.isArray(parsed) ? [...parsed, extra] : { ...(parsed as object), ...extra })
}
