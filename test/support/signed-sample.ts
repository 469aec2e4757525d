import {
  defineSource,
  signRequest,
  type Provider,
  type Scheme,
  type SignatureScheme,
  type Source,
} from '../../packages/postern/src/core/index.ts'
import { providers } from '../../packages/postern/src/providers/index.ts'
import { samples, type Sample } from '../../packages/postern/src/providers/samples/index.ts'
import { keyPair, type KeyPair } from './key-pairs.ts'

/** A scheme of a provider, with a sample to sign. */
export interface SchemeCase {
  readonly provider: Provider
  readonly scheme: Scheme
  readonly sample: Sample
  readonly title: string
}

/** What arrives: a request that can be broken. */
export interface Arrived {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

export interface SampleSigning {
  readonly nowMs: number
  /** The text of the secret; the case's first where absent. */
  readonly secret?: string
  /** In place of the case's scheme, such as one with another unit of time. */
  readonly scheme?: Scheme
  readonly body?: Uint8Array | string
  readonly url?: string
  readonly method?: string
}

export const SAMPLE_URL = 'https://hooks.example.com/webhooks/sample?b=two&a=one%20and%20more'
const ID = '0123456789abcdef0123456789abcdef'

/** Every scheme that is signed or sent with what a test can make; the others need a server or a certificate. */
export const schemeCases: readonly SchemeCase[] = providers.flatMap((provider) =>
  provider.schemes.flatMap((scheme) => {
    const own = samples.get(provider.name) ?? []
    const sample = own.find((each) => each.scheme === scheme.name) ?? own[0]
    const made = { provider, scheme, sample: sample!, title: `${provider.name} ${scheme.name}` }
    return sample !== undefined && canSign(made) ? [made] : []
  }),
)

/** Whether it is of the kind that is data throughout. */
export function isSignature(scheme: Scheme): scheme is SignatureScheme {
  return 'signature' in scheme && 'content' in scheme && 'key' in scheme
}

/** Whether its signature stands in a header, in whatever spelling that has. */
export function isInHeader(scheme: Scheme): scheme is SignatureScheme {
  return isSignature(scheme) && scheme.signature.in.every((place) => 'header' in place)
}

/** A secret as its owner is shown it: the same text for a number in every run, and like no word that a finding may hold. */
export function secretOf(scheme: Scheme, number: number): string {
  if (!isSignature(scheme)) return `the-static-secret-number-${number}`
  const { as, stripPrefixes = [], minBytes = 32 } = scheme.key
  const pair = pairOf(scheme, number)
  if (pair !== undefined) return (stripPrefixes[0] ?? '') + pair.publicKey.toString(as)
  if (as === 'utf8') return `q${number}Zx9Kw7Lv2Bn8Tr4Mp6Yh1Jd`.padEnd(scheme.key.minBytes ?? 0, 'Gc5')
  return (stripPrefixes[0] ?? '') + Buffer.alloc(Math.max(minBytes, 32), number + 1).toString(as)
}

/** A source of this scheme alone. */
export function sourceOf({ provider }: SchemeCase, scheme: Scheme, secrets: readonly string[]): Source {
  const name = scheme.verifiedBy ?? 'secret'
  const only = { ...provider, schemes: [scheme] }
  return defineSource(only, name === 'secret' ? { secret: secrets } : { otherSecrets: { [name]: secrets } })
}

/** The case's sample, signed. */
export function signedSample(of: SchemeCase, signing: SampleSigning): Arrived {
  const { nowMs, scheme = of.scheme, url = SAMPLE_URL, method = 'POST' } = signing
  const source = signer(of, scheme, signing.secret ?? secretOf(of.scheme, 1))
  const built = of.sample.build({ id: ID, nowMs })
  const pair = pairOf(of.scheme, 1)
  const sent = signRequest(source, {
    ...built,
    body: signing.body ?? built.body,
    nowMs,
    id: ID,
    url,
    method,
    ...(pair !== undefined && { privateKey: pair.privateKey }),
  })
  const headers = Object.entries({ ...built.headers, ...sent.headers })
  return { method, url: sent.url, headers, body: Buffer.from(sent.body) }
}

/** Signs under any scheme of the method, also one that no source would verify by. */
function signer(of: SchemeCase, scheme: Scheme, secret: string): Source {
  const source = sourceOf(of, of.scheme, [secretOf(of.scheme, 1)])
  const schemes = source.schemes.map(({ method }) => ({
    scheme,
    method,
    keys: method.keyring([secret], scheme),
  }))
  return { ...source, schemes }
}

function pairOf({ algorithm }: Scheme, number: number): KeyPair | undefined {
  return algorithm === 'ed25519' || algorithm === 'ecdsa-p256-sha256' ? keyPair(algorithm, number) : undefined
}

function canSign(of: SchemeCase): boolean {
  try {
    signedSample(of, { nowMs: 0 })
    return true
  } catch {
    return false
  }
}
