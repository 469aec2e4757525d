import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { breakages } from '../../../../test/support/breakages.ts'
import {
  isSignature,
  schemeCases,
  secretOf,
  signedSample,
  sourceOf,
  type Arrived,
} from '../../../../test/support/signed-sample.ts'
import { verifyRequest } from '../core/verify.ts'
import { github, providers, stripe } from '../providers/index.ts'
import { CAUSES, explain } from './index.ts'

const NOW_MS = 1_772_490_001_000
const now = (): number => NOW_MS

/** Bodies that every scheme can be tried with: those that have the time in the body keep their sample's. */
const bodies = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 6,
})
const whole = schemeCases.filter(
  ({ scheme }) =>
    isSignature(scheme) &&
    scheme.content.includes('body') &&
    ![scheme.timestamp?.in, ...scheme.content].some((part) => typeof part === 'object' && 'json' in part),
)

describe('what is signed', () => {
  it('verifies, whatever is in the body, and with one byte changed is refused', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...whole),
        bodies,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (of, json, at, by) => {
          const source = sourceOf(of, of.scheme, [secretOf(of.scheme, 1)])
          const arrived = signedSample(of, { nowMs: NOW_MS, body: JSON.stringify(json) })
          expect(verifyRequest(requestOf(arrived), source, NOW_MS)).toMatchObject({ ok: true })
          const changed = Buffer.from(arrived.body)
          changed[at % changed.length]! ^= by
          const refused = { ok: false, reason: 'signature_mismatch' }
          expect(verifyRequest(requestOf({ ...arrived, body: changed }), source, NOW_MS)).toEqual(refused)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('explain', () => {
  it('names the way in which a request was broken, whatever is in its body', () => {
    let named = 0
    fc.assert(
      fc.property(fc.constantFrom(...whole), fc.constantFrom(...breakages), bodies, (of, breakage, json) => {
        const broken = breakage.isProven ? breakage.make(of, NOW_MS, JSON.stringify(json)) : undefined
        if (broken === undefined) return
        const source = sourceOf(of, of.scheme, broken.configured ?? [secretOf(of.scheme, 1)])
        const otherSources =
          broken.another === undefined ? {} : { other: sourceOf(of, of.scheme, [broken.another]) }
        const { verdict, findings } = explain(broken.arrived as never, source, broken.candidates ?? [], {
          now,
          providers,
          otherSources,
        })
        expect(verdict).not.toBe('verified')
        // Of several that come to the same bytes, such as a line break after a body and white space around it, one is named.
        expect(findings[0]?.certainty).toBe('proven')
        if (findings.some(({ cause }) => cause === breakage.cause)) named += 1
        else expect(sameBytes(breakage.cause)).toContain(findings[0]?.cause)
      }),
      { numRuns: 500 },
    )
    expect(named).toBeGreaterThan(120)
  })

  it('never throws, whatever the request, and says only causes that there are', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 })
    const hostile = fc.record({
      method: text,
      url: text,
      headers: fc.array(
        fc.tuple(
          fc.oneof(
            text,
            fc.constantFrom('x-hub-signature-256', 'stripe-signature', 'content-encoding', 'content-length'),
          ),
          fc.oneof(
            text,
            fc.constantFrom(`sha256=${'0'.repeat(64)}`, `t=1,v1=${'0'.repeat(64)}`, 'gzip', '1e9'),
          ),
        ),
        { maxLength: 12 },
      ),
      body: fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.json().map((json) => new Uint8Array(Buffer.from(json))),
      ),
    })
    const sources = [
      github({ secret: 'a-secret-of-16-bytes' }),
      stripe({ secret: 'another-secret-of-16-bytes' }),
    ]
    fc.assert(
      fc.property(
        hostile,
        fc.constantFrom(...sources),
        fc.array(text, { maxLength: 2 }),
        (request, source, given) => {
          const { verdict, findings } = explain(request, source, given, { now, providers, maxTrials: 300 })
          expect(verdict).not.toBe('verified')
          expect(findings.length).toBeGreaterThan(0)
          expect(findings.filter(({ cause }) => !CAUSES.includes(cause))).toEqual([])
        },
      ),
      { numRuns: 150 },
    )
  })

  it('is bounded, whatever the body comes to when it is indented', () => {
    const body = Buffer.from('['.repeat(100_000) + ']'.repeat(100_000))
    const headers = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
    const { verdict, trials } = explain({ headers, body }, github({ secret: 'a-secret-of-16-bytes' }), [], {
      now,
    })
    expect(verdict).toBe('signature_mismatch')
    expect(trials).toBeLessThan(200)
  })

  it('says that it stopped, where not everything could be tried', () => {
    const source = github({ secret: 'a-secret-of-16-bytes' })
    const headers = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
    const request = { headers, body: Buffer.from('{"a":1}') }
    expect(explain(request, source, [], { now, maxTrials: 10 })).toMatchObject({
      trials: 10,
      complete: false,
    })
    expect(explain(request, source, [], { now })).toMatchObject({ complete: true })
  })

  it('says neither a secret nor the signature that was expected, nor six characters of one', () => {
    let verified = 0
    fc.assert(
      fc.property(fc.constantFrom(...keyed), fc.constantFrom(...breakages), (of, breakage) => {
        const broken = breakage.make(of, NOW_MS, '{"note":"é/","livemode":false}')
        if (broken === undefined) return
        const configured = broken.configured ?? [secretOf(of.scheme, 1)]
        const others = broken.another === undefined ? [] : [broken.another]
        const source = sourceOf(of, of.scheme, configured)
        const otherSources = Object.fromEntries(
          others.map((text) => ['other', sourceOf(of, of.scheme, [text])]),
        )
        const candidates = broken.candidates ?? [secretOf(of.scheme, 5)]
        const explanation = explain(broken.arrived as never, source, candidates, {
          now,
          providers,
          otherSources,
        })
        if (explanation.findings.some(({ certainty }) => certainty === 'proven')) verified += 1
        const said = JSON.stringify(explanation)
        const seen = JSON.stringify(broken.arrived.headers) + broken.arrived.body.toString('latin1')
        const secrets = [...configured, ...others, ...candidates]
        for (const hidden of [...secrets, ...expectedSignatures(broken.arrived, secrets)]) {
          expect(piecesOf(hidden).filter((piece) => said.includes(piece) && !seen.includes(piece))).toEqual(
            [],
          )
        }
      }),
      { numRuns: 500 },
    )
    // A finding that names a secret which fits is where one would be said.
    expect(verified).toBeGreaterThan(100)
  })
})

/** Those whose secret signs as well; a public key is none to hide. */
const keyed = whole.filter(
  ({ scheme }) => scheme.algorithm.startsWith('hmac-') || scheme.algorithm === 'sha256',
)

/** Causes that a change of the body, or of a secret, may come to as well. */
function sameBytes(cause: string): readonly string[] {
  const [kind = ''] = cause.split('_')
  return CAUSES.filter(
    (other) => other.startsWith(`${kind}_`) || (kind === 'signature' && other === 'signed_content'),
  )
}

/** What each secret makes of the body, and of the time and the body, in every encoding. */
function expectedSignatures({ headers, body }: Arrived, secrets: readonly string[]): readonly string[] {
  const times = headers.map(([, value]) => value).filter((value) => /^\d+$/.test(value))
  const contents = [body, ...times.map((time) => Buffer.concat([Buffer.from(`${time}.`), body]))]
  return secrets.flatMap((secret) =>
    contents.flatMap((content) =>
      (['sha1', 'sha256', 'sha512'] as const).flatMap((hash) => {
        const mac = createHmac(hash, secret).update(content).digest()
        return [mac.toString('hex'), mac.toString('base64')]
      }),
    ),
  )
}

function piecesOf(text: string): readonly string[] {
  return Array.from({ length: Math.max(0, text.length - 5) }, (_, at) => text.slice(at, at + 6))
}

function requestOf({ headers, ...rest }: Arrived): {
  method: string
  url: string
  headers: string[]
  body: Buffer
} {
  return { ...rest, headers: headers.flat() }
}
