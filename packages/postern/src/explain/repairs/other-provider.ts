import { defineSource, type Provider, type Scheme, type WebhookRequest } from '../../core/index.ts'
import { secretNameOf } from '../../core/sound-scheme.ts'
import { headerNames, headersRead, isSigning, keyringOf, type Subject, type Variant } from '../subject.ts'

/** The request under the schemes of other providers, with the same secrets. */
export function* otherProviders(
  subject: Subject,
  providers: readonly Provider[],
): Iterable<Variant & Pick<Subject, 'method'>> {
  const { scheme: own } = subject
  const prefixes = ['', ...((isSigning(own) && own.key.stripPrefixes) || [])]
  const texts = subject.secrets.flatMap(({ text }) => prefixes.map((prefix) => prefix + text))
  for (const provider of providers) {
    for (const { scheme, method } of schemesOf(provider)) {
      if (sameButName(scheme, subject.scheme) || !hasHeadersOf(subject.request, scheme)) continue
      const keys = keyringOf(method, scheme, texts)
      const undoing = `as ${provider.title} signs it (${scheme.name})`
      if (keys !== undefined) yield { cause: 'other_provider', undoing, scheme, method, keys }
    }
  }
}

/** The titles of the providers whose signature headers a request has, and how many more there are. */
export function providersByHeaders(
  request: WebhookRequest,
  providers: readonly Provider[],
): readonly string[] {
  return providers
    .filter(({ schemes }) => schemes.some((scheme) => isTelling(scheme) && hasHeadersOf(request, scheme)))
    .map(({ title }) => title)
}

/** `Authorization` is anybody's. */
function isTelling(scheme: Scheme): boolean {
  const { all, oneOf } = headersRead(scheme)
  return [...all, ...oneOf].some((name) => name !== 'authorization')
}

/** Whether every header is there that a scheme reads. */
export function hasHeadersOf(request: WebhookRequest, scheme: Scheme): boolean {
  const present = headerNames(request)
  const { all, oneOf } = headersRead(scheme)
  if (all.length + oneOf.length === 0) return false
  return (
    all.every((name) => present.includes(name)) &&
    (oneOf.length === 0 || oneOf.some((name) => present.includes(name)))
  )
}

function schemesOf(provider: Provider): ReturnType<typeof defineSource>['schemes'] {
  try {
    return defineSource(provider).schemes
  } catch {
    // One whose methods have to be brought along; it is only not tried.
    return []
  }
}

function sameButName(left: Scheme, right: Scheme): boolean {
  return bare(left) === bare(right)
}

function bare(scheme: Scheme): string {
  return JSON.stringify({ ...scheme, name: secretNameOf(scheme) })
}
