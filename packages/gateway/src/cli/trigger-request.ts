import { signRequest, type Envelope, type Place, type Source } from 'postern'
import { sampleOf, samples, type Sample } from 'postern/samples'

/** What a request is made of. */
export interface RequestRecipe {
  readonly url: string
  readonly type: string
  readonly source: Source
  readonly sample: Sample | undefined
  /** Replaces the sample's body, byte for byte. */
  readonly data: Uint8Array | undefined
  /** In PEM, where the source has the public key only. */
  readonly privateKey?: string | undefined
}

export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Path and query, with what the provider puts there. */
  readonly path: string
}

export interface Moment {
  readonly id: string
  /** When it is said to have happened. */
  readonly createdMs: number
  /** When it is signed. */
  readonly nowMs: number
}

/** The sample to send for a type, and whether it is one of the provider's own; `undefined` for a provider without any. */
export function chooseSample(
  source: Source,
  type: string,
): { readonly sample: Sample; readonly isOwn: boolean } | undefined {
  const { name } = source.provider
  const sample = sampleOf(name, type)
  return sample && { sample, isOwn: samples.get(name)?.includes(sample) === true }
}

/** One signed request. */
export function signedRequest(
  { url, type, source, sample, data, privateKey }: RequestRecipe,
  moment: Moment,
): SignedRequest {
  const { id, createdMs, nowMs } = moment
  const built = sample?.build({ id, nowMs: createdMs })
  const headers = built?.headers ?? plainHeaders(source, type, id)
  const signed = signRequest(source, {
    body: data ?? built?.body ?? '',
    nowMs,
    id,
    // What is sent to is signed by some.
    headers: { host: new URL(url).host, ...headers },
    url: pathAndQuery(url),
    ...(privateKey !== undefined && { privateKey }),
    ...(sample !== undefined && hasKey(source, sample.scheme) && { scheme: sample.scheme }),
  })
  return { headers: { ...headers, ...signed.headers }, body: signed.body, path: signed.url }
}

/** A source may verify by another of its provider's schemes only. */
function hasKey(source: Source, name: string): boolean {
  return source.schemes.some(({ scheme, keys }) => scheme.name === name && keys.size > 0)
}

function pathAndQuery(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

/** For a provider without samples: what its envelope reads from headers. */
function plainHeaders(source: Source, type: string, id: string): Readonly<Record<string, string>> {
  const envelope: Envelope | undefined = source.envelopes[0]
  return {
    'content-type': 'application/json',
    ...headerAt(envelope?.id[0], id),
    ...headerAt(envelope?.type, type),
  }
}

function headerAt(place: Place | undefined, value: string): Readonly<Record<string, string>> {
  return place !== undefined && 'header' in place ? { [place.header]: value } : {}
}
