import type { WebhookRequest } from './request.ts'
import { parseDictionary, type Dictionary, type InnerList, type Item } from './structured-field.ts'
import { writeInnerList, writeItem, writeMember } from './structured-field-text.ts'

/**
 * The text that a message signature is over (RFC 9421 §2.5): a line for each component that it covers, and one for what it
 * says of itself. `undefined` where a component is not in the request, comes twice, or is none that is read here.
 */
export function signatureBase(
  request: WebhookRequest,
  covered: InnerList,
  origin?: string,
): string | undefined {
  const target = targetOf(request, origin)
  const read: Readings = { dictionary: once(parseDictionary), parameters: once(encodedParameters) }
  const lines: string[] = []
  const names = new Set<string>()
  for (const component of covered.items) {
    const name = writeItem(component)
    const value = componentValue(component, request, target, read)
    if (name === undefined || value === undefined || !PRINTABLE.test(value) || names.has(name))
      return undefined
    names.add(name)
    lines.push(`${name}: ${value}`)
  }
  return [...lines, `"@signature-params": ${writeInnerList(covered)}`].join('\n')
}

/** A line break would be a line more, and anything beyond ASCII has several readings. */
const PRINTABLE = /^[\t\x20-\x7e]*$/
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/**
 * What is a part of something longer, which is read once for all components: a sender who covers each of 200 members of a
 * header would else have it read 200 times, before any signature is looked at.
 */
interface Readings {
  readonly dictionary: (text: string) => Dictionary | undefined
  readonly parameters: (query: string) => readonly (readonly [name: string, value: string])[]
}

function once<Value>(read: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, { readonly value: Value }>()
  return (text) => {
    const { value } = known.get(text) ?? { value: read(text) }
    known.set(text, { value })
    return value
  }
}

/** Where a request went, in its parts and as it was written. */
interface Target {
  readonly scheme: string
  readonly authority: string | undefined
  readonly path: string
  /** With its question mark; empty where there is none. */
  readonly query: string
}

function componentValue(
  { item, parameters }: Item,
  request: WebhookRequest,
  target: Target,
  read: Readings,
): string | undefined {
  if (item.kind !== 'string') return undefined
  if (!item.value.startsWith('@')) return fieldValue(item.value, parameters, request, read)
  if (item.value === '@query-param') return queryParameter(parameters, target, read)
  return parameters.size === 0 ? derivedValue(item.value, request, target) : undefined
}

/** RFC 9421 §2.2. `@status` is of responses. */
function derivedValue(
  name: string,
  { method }: WebhookRequest,
  { scheme, authority, path, query }: Target,
): string | undefined {
  if (name === '@method') return method
  if (name === '@authority') return authority
  if (name === '@scheme') return scheme
  if (name === '@path') return path
  if (name === '@query') return query === '' ? '?' : query
  if (name === '@request-target') return path + query
  return name === '@target-uri' && authority !== undefined
    ? `${scheme}://${authority}${path}${query}`
    : undefined
}

/** RFC 9421 §2.1: as it is, a member of it, or its bytes. `sf` would need to know each field's type, and is not read. */
function fieldValue(
  name: string,
  parameters: Item['parameters'],
  { headers }: WebhookRequest,
  read: Readings,
): string | undefined {
  const values = FIELD_NAME.test(name) ? valuesOf(name, headers) : []
  const [only, ...others] = parameters
  if (values.length === 0 || others.length > 0) return undefined
  if (only === undefined) return values.join(', ')
  const [kind, parameter] = only
  if (kind === 'bs' && parameter.value === true) {
    return values.map((value) => `:${Buffer.from(value, 'latin1').toString('base64')}:`).join(', ')
  }
  if (kind !== 'key' || parameter.kind !== 'string') return undefined
  const member = read.dictionary(values.join(', '))?.get(parameter.value)
  return member && writeMember(member)
}

function valuesOf(name: string, headers: WebhookRequest['headers']): readonly string[] {
  return headers.flatMap((header, index) =>
    index % 2 === 0 && header.toLowerCase() === name ? [trimmed(headers[index + 1] ?? '')] : [],
  )
}

/** Looks behind before it follows a run of white space, so that none is followed from each of its characters. */
function trimmed(value: string): string {
  return value.replaceAll(/^[\t ]+|(?<![\t ])[\t ]+$/g, '')
}

/** RFC 9421 §2.2.8: name and value are decoded and encoded again; one that comes twice cannot be covered. */
function queryParameter(
  parameters: Item['parameters'],
  { query }: Target,
  read: Readings,
): string | undefined {
  const name = parameters.get('name')
  if (parameters.size !== 1 || name?.kind !== 'string') return undefined
  const [only, ...others] = read.parameters(query).filter(([each]) => each === name.value)
  return others.length === 0 ? only?.[1] : undefined
}

function encodedParameters(query: string): readonly (readonly [name: string, value: string])[] {
  return Array.from(new URLSearchParams(query), ([name, value]) => [
    percentEncoded(name),
    percentEncoded(value),
  ])
}

/** The percent-encode set of application/x-www-form-urlencoded, with spaces as `%20`. */
function percentEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

const ABSOLUTE = /^(https?):\/\/([^/?#]*)/i

/** The receiver's own origin, or the URL's, or what the `Host` header says under https. */
function targetOf({ url, headers }: WebhookRequest, origin: string | undefined): Target {
  const [, givenScheme = 'https', givenAuthority] = ABSOLUTE.exec(origin ?? url) ?? []
  const hosts = valuesOf('host', headers)
  const scheme = givenScheme.toLowerCase()
  const host = givenAuthority ?? (hosts.length === 1 ? hosts[0] : undefined)
  const port = scheme === 'https' ? /:443$/ : /:80$/
  const rest = url.replace(ABSOLUTE, '')
  const start = rest.indexOf('?')
  const path = start < 0 ? rest : rest.slice(0, start)
  return {
    scheme,
    authority: host?.toLowerCase().replace(port, ''),
    path: path === '' ? '/' : path,
    query: start < 0 ? '' : rest.slice(start),
  }
}
