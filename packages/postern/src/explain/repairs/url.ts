import type { Part, SignatureScheme, WebhookRequest } from '../../core/index.ts'
import { isSigning, valuesOf, type Repair, type Variant } from '../subject.ts'

/** Where the URL is signed: the others that it may have been at the provider. */
export const otherUrl: Repair = function* ({ scheme, request }) {
  if (!isSigning(scheme)) return
  const fixed = scheme.content.find((part) => fixedUrl(part) !== undefined)
  const signed = (fixed && fixedUrl(fixed)) ?? (scheme.content.some(readsUrl) ? request.url : undefined)
  if (signed === undefined) return
  for (const { url, undoing } of urlsLike(signed, request)) {
    yield fixed === undefined
      ? { cause: 'url', undoing, request: { ...request, url } }
      : { cause: 'url', undoing, scheme: withUrl(scheme, fixed, url) }
  }
}

/** Where the method is signed: those that a redirect or a framework puts in its place. */
export const otherMethod: Repair = function* ({ scheme, request }) {
  if (!isSigning(scheme) || !scheme.content.includes('method')) return
  for (const method of new Set(['POST', 'GET', 'PUT', 'PATCH', request.method.toUpperCase()])) {
    if (method === request.method) continue
    yield {
      cause: 'method',
      undoing: `once the method is ${method}`,
      request: { ...request, method },
    } satisfies Variant
  }
}

/** A URL that the source was given, as it stands at the provider. */
export function fixedUrl(part: Part): string | undefined {
  if (typeof part !== 'object') return undefined
  if ('literal' in part) return /^https?:\/\//.test(part.literal) ? part.literal : undefined
  return 'derived' in part && part.derived === 'public-url' ? part.base : undefined
}

/** Whether a part is made of the URL that the server saw. */
export function readsUrl(part: Part): boolean {
  return part === 'url' || (typeof part === 'object' && 'derived' in part && part.derived === 'escaped-path')
}

function withUrl(scheme: SignatureScheme, fixed: Part, url: string): SignatureScheme {
  const put = (part: Part): Part => {
    if (part !== fixed || typeof part !== 'object') return part
    return 'derived' in part && part.derived === 'public-url' ? { ...part, base: url } : { literal: url }
  }
  return { ...scheme, content: scheme.content.map(put) }
}

interface Change {
  readonly text: string
  /** What it took, as in `https in place of http`; empty where it is as it came. */
  readonly what: string
}

/**
 * The URL in other spellings, what differs said of each. Never the URL itself: its query may hold a token.
 */
function* urlsLike(signed: string, request: WebhookRequest): Iterable<{ url: string; undoing: string }> {
  const { origin, path, query } = partsOf(signed)
  const tails = pathsOf(path).flatMap((middle) => queriesOf(query).map((end) => [middle, end] as const))
  for (const start of originsOf(origin, request)) {
    for (const [middle, end] of tails) {
      const url = start.text + middle.text + end.text
      const differences = [start.what, middle.what, end.what].filter((what) => what !== '')
      if (url !== signed) yield { url, undoing: `once the URL is signed ${differences.join(' and ')}` }
    }
  }
}

function partsOf(url: string): { readonly origin: string; readonly path: string; readonly query: string } {
  const [, origin = '', rest = ''] = /^(https?:\/\/[^/?#]*)?(.*)$/s.exec(url) ?? []
  const at = rest.indexOf('?')
  return at < 0
    ? { origin, path: rest, query: '' }
    : { origin, path: rest.slice(0, at), query: rest.slice(at) }
}

function originsOf(origin: string, request: WebhookRequest): readonly Change[] {
  const own = origin === '' ? [] : [origin.replace(/^https?:\/\//, '')]
  const named = ['host', 'x-forwarded-host', 'x-original-host'].flatMap((name) => valuesOf(request, name))
  const port = valuesOf(request, 'x-forwarded-port')[0]
  const changes: Change[] = [{ text: origin, what: '' }]
  for (const host of new Set([...own, ...named.slice(0, 4)])) {
    if (!/^[\w.:[\]-]{1,253}$/.test(host)) continue
    const bare = host.replace(/:\d+$/, '')
    for (const protocol of ['https', 'http']) {
      const standard = protocol === 'https' ? '443' : '80'
      for (const written of new Set([host, bare, `${bare}:${standard}`, `${bare}:${port ?? standard}`])) {
        changes.push({ text: `${protocol}://${written}`, what: originText(origin, protocol, written, host) })
      }
    }
  }
  if (origin !== '') changes.push({ text: '', what: 'without scheme and host' })
  return changes
}

function originText(origin: string, protocol: string, written: string, host: string): string {
  const differences = [
    ...(origin === '' ? ['with its scheme and host'] : []),
    ...(origin.startsWith(`${protocol}:`) ? [] : [`with the scheme ${protocol}`]),
    ...(written === host ? [] : [/:\d+$/.test(written) ? 'with its port' : 'without a port']),
    ...(origin === '' || origin.includes(host) ? [] : ['with the host that the request names']),
  ]
  return differences.join(', ')
}

function pathsOf(path: string): readonly Change[] {
  const slash = path.endsWith('/')
    ? { text: path.slice(0, -1), what: 'without the slash at the end of its path' }
    : { text: `${path}/`, what: 'with a slash at the end of its path' }
  return [{ text: path, what: '' }, slash, ...escapingsOf(path, 'path')]
}

function queriesOf(query: string): readonly Change[] {
  if (query === '') return [{ text: '', what: '' }]
  const members = query.slice(1).split('&')
  const ordered = orders(members).map((order) => ({
    text: `?${order.join('&')}`,
    what: 'with its query in another order',
  }))
  return [
    { text: query, what: '' },
    { text: '', what: 'without its query' },
    ...ordered,
    ...escapingsOf(query, 'query'),
  ]
}

/** All orders of a few; of more, sorted and reversed. */
function orders(items: readonly string[]): readonly (readonly string[])[] {
  if (items.length > 4) return [items.toSorted(byText), items.toReversed()]
  if (items.length < 2) return [items]
  return items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map((others) => [item, ...others]))
}

function byText(left: string, right: string): number {
  return left < right ? -1 : 1
}

function escapingsOf(text: string, name: string): readonly Change[] {
  const changes: Change[] = [
    { text: text.replaceAll('%20', '+'), what: `with spaces of its ${name} as +` },
    { text: text.replaceAll('+', '%20'), what: `with spaces of its ${name} as %20` },
  ]
  try {
    changes.push({ text: decodeURIComponent(text), what: `with its ${name} decoded` })
    changes.push({ text: encodeURI(decodeURI(text)), what: `with its ${name} percent-encoded` })
  } catch {
    // What is not well-formed has no other spelling.
  }
  return changes.filter((change) => change.text !== text)
}
