import type { WebhookRequest } from '../../core/index.ts'
import {
  headerNames,
  headersBut,
  headersRead,
  quoted,
  valuesOf,
  withHeader,
  type Repair,
  type Variant,
} from '../subject.ts'

/** Longer values are no header of a signature. */
const LONGEST_VALUE = 4096

/** A header that came twice: what stands in the first, or in the last. */
export const duplicatedHeaders: Repair = function* ({ scheme, request }) {
  const doubled = read(scheme).filter((name) => valuesOf(request, name).length > 1)
  if (doubled.length === 0) return
  for (const which of ['first', 'last'] as const) {
    yield {
      cause: 'header_duplicated',
      undoing: `once only the ${which} ${doubled.map(quoted).join(' and ')} is looked at: it came ${valuesOf(request, doubled[0] ?? '').length} times`,
      request: changed(request, doubled, (values) => values.at(which === 'first' ? 0 : -1) ?? ''),
    }
  }
}

/** Several values joned into one line, or one broken over several; white space and quotes that were put around it. */
export const foldedHeaders: Repair = function* ({ scheme, request }) {
  const present = read(scheme).filter((name) => valuesOf(request, name).length === 1)
  const halved = present.filter((name) => half(valueOf(request, name)) !== undefined)
  if (halved.length > 0) {
    yield {
      cause: 'header_folded',
      undoing: `once ${halved.map(quoted).join(' and ')}, which holds the same value twice, is taken for one`,
      request: changed(request, halved, ([value = '']) => half(value) ?? value),
    }
  }
  for (const name of present) yield* partsOf(request, name)
  for (const { what, clean } of CLEANINGS) {
    const dirty = present.filter((name) => clean(valueOf(request, name)) !== valueOf(request, name))
    if (dirty.length === 0) continue
    yield {
      cause: 'header_folded',
      undoing: `once ${what} of ${dirty.map(quoted).join(' and ')} is removed`,
      request: changed(request, dirty, ([value = '']) => clean(value)),
    }
  }
}

function* partsOf(request: WebhookRequest, name: string): Iterable<Variant> {
  const parts = valueOf(request, name)
    .slice(0, LONGEST_VALUE)
    .split(/\s*,\s*/)
  if (parts.length === 1 || parts.length > 8) return
  for (const [index, part] of parts.entries()) {
    yield {
      cause: 'header_folded',
      undoing: `once only part ${index + 1} of the ${parts.length} that are joined in ${quoted(name)} is looked at`,
      request: withHeader(request, name, part),
    }
  }
}

const CLEANINGS: readonly { readonly what: string; readonly clean: (value: string) => string }[] = [
  { what: 'white space around the value', clean: (value) => value.trim() },
  { what: 'the line fold inside', clean: (value) => value.replaceAll(/[\r\n]+[ \t]*/g, '').trim() },
  { what: 'white space inside', clean: (value) => value.replaceAll(/\s+/g, '') },
  {
    what: 'a pair of quotes around the value',
    clean: (value) => value.trim().replace(/^(["'])(.*)\1$/s, '$2'),
  },
]

/** Percent escapes that nobody undid, and plus signs that somebody took for spaces. */
export const escapedHeaders: Repair = function* ({ scheme, request }) {
  const present = read(scheme).filter((name) => valuesOf(request, name).length === 1)
  for (const { what, undo } of UNESCAPINGS) {
    const escaped = present.filter((name) => undo(valueOf(request, name)) !== valueOf(request, name))
    if (escaped.length === 0) continue
    yield {
      cause: 'header_escaped',
      undoing: `once ${what} in ${escaped.map(quoted).join(' and ')}`,
      request: changed(request, escaped, ([value = '']) => undo(value)),
    }
  }
}

const UNESCAPINGS: readonly { readonly what: string; readonly undo: (value: string) => string }[] = [
  { what: 'percent escapes are decoded', undo: unescaped },
  { what: 'spaces are read as the plus signs that they were', undo: (value) => value.replaceAll(' ', '+') },
]

function unescaped(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** Headers under another name: first by what proxies and gateways do to names, then whatever header fits. */
export const renamedHeaders: Repair = function* ({ scheme, request }) {
  const { all, oneOf } = headersRead(scheme)
  const present = headerNames(request)
  const hasOne = oneOf.length === 0 || oneOf.some((name) => present.includes(name))
  const missing = [...all, ...(hasOne ? [] : oneOf.slice(0, 1))].filter((name) => !present.includes(name))
  if (missing.length === 0) return
  const found = missing.map((name) => present.find((other) => isRenamed(other, name)))
  if (found.every((name) => name !== undefined)) yield renaming(request, missing, found)
  const others = present.filter((name) => !all.includes(name) && !oneOf.includes(name))
  if (missing.length === 1) for (const other of others) yield renaming(request, missing, [other])
  // Two that were renamed to nothing alike are still few enough to try.
  if (missing.length !== 2 || others.length > 24) return
  for (const first of others) {
    for (const second of others) if (first !== second) yield renaming(request, missing, [first, second])
  }
}

/** CGI writes `HTTP_X_ID` for `X-Id`; others put a word before it. */
function isRenamed(name: string, original: string): boolean {
  const plain = name.replaceAll('_', '-').replace(/^http-/, '')
  const short = original.replace(/^x-/, '')
  return (
    plain === original || plain === short || plain.endsWith(`-${original}`) || plain.endsWith(`-${short}`)
  )
}

function renaming(request: WebhookRequest, missing: readonly string[], found: readonly string[]): Variant {
  const pairs = missing.map((name, index) => `${quoted(found[index] ?? '')} is read as ${quoted(name)}`)
  const headers = headersBut(request, () => true)
  for (const [index, name] of missing.entries()) headers.push(name, valueOf(request, found[index] ?? ''))
  return { cause: 'header_renamed', undoing: `once ${pairs.join(' and ')}`, request: { ...request, headers } }
}

function read(scheme: Parameters<typeof headersRead>[0]): readonly string[] {
  const { all, oneOf } = headersRead(scheme)
  return [...new Set([...oneOf, ...all])]
}

function valueOf(request: WebhookRequest, name: string): string {
  return valuesOf(request, name)[0] ?? ''
}

function changed(
  request: WebhookRequest,
  names: readonly string[],
  change: (values: readonly string[]) => string,
): WebhookRequest {
  return names.reduce((before, name) => withHeader(before, name, change(valuesOf(request, name))), request)
}

/** One of two equal halves. */
function half(value: string): string | undefined {
  if (value.length > 2 * LONGEST_VALUE) return undefined
  return [', ', ',', '; ', ';', ' ']
    .filter((between) => (value.length - between.length) % 2 === 0)
    .map((between) => ({ between, length: (value.length - between.length) / 2 }))
    .filter(({ length }) => length > 0)
    .map(({ between, length }) => ({ between, first: value.slice(0, length) }))
    .find(({ between, first }) => value === first + between + first)?.first
}
