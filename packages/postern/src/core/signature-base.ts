import type { WebhookRequest } from './request.ts'
import {
  parseDictionary,
  type BareItem,
  type Dictionary,
  type InnerList,
  type Item,
} from './structured-field.ts'
import { writeItem, writeMember, writeParameters } from './structured-field-text.ts'

/**
 * The text that a message signature is over (RFC 9421 §2.5): a line for each component that it covers, and one for what it
 * says of itself. `undefined` where a component is not in the request, comes twice, or is none that is read here.
 */
export function signatureBase(
  request: WebhookRequest,
  covered: InnerList,
  origin?: string,
): string | undefined {
  const valueOf = readerOf(request, origin)
  const lines = new Map<string, string>()
  for (const component of covered.items) {
    const name = writeItem(component)
    const value = valueOf(component)
    if (value === undefined || !PRINTABLE.test(value) || lines.has(name)) return undefined
    lines.set(name, `${name}: ${value}`)
  }
  const names = [...lines.keys()].join(' ')
  const parameters = writeParameters(covered.parameters)
  return [...lines.values(), `"@signature-params": (${names})${parameters}`].join('\n')
}

/** A line break would be a line more, and anything beyond ASCII has several readings. */
const PRINTABLE = /^[\t -~]*$/
/** Of a field, as components name it: in lower case (RFC 9421 §2.1). */
export const FIELD_NAME: RegExp = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/**
 * Reads components of a request. What is a part of something longer is read once for all of them: a sender who covers each of
 * 200 members of a header would else have it read 200 times, before any signature is looked at.
 */
function readerOf(
  request: WebhookRequest,
  origin: string | undefined,
): (component: Item) => string | undefined {
  const derived = derivedValues(request, origin)
  const dictionaryOf = once(parseDictionary)
  const parametersOf = once(encodedParameters)
  return ({ item, parameters }) => {
    const [parameter, ...others] = parameters
    if (item.kind !== 'string' || others.length > 0) return undefined
    const name = item.value
    if (name === '@query-param') return queryParameter(parameter, parametersOf(derived['@query'] as string))
    if (name.startsWith('@')) return parameter === undefined ? derived[name] : undefined
    return fieldValue(valuesOf(name, request), parameter, dictionaryOf)
  }
}

function once<Value>(read: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>()
  return (text) => {
    if (!known.has(text)) known.set(text, read(text))
    return known.get(text) as Value
  }
}

type Parameter = readonly [name: string, value: BareItem] | undefined

/** The text of a component's parameter, where it has this one. */
function textOf(parameter: Parameter, name: string): string | undefined {
  return parameter?.[0] === name && parameter[1].kind === 'string' ? parameter[1].value : undefined
}

/** RFC 9421 §2.1: as it is, a member of it, or its bytes. `sf` would need to know each field's type, and is not read. */
function fieldValue(
  values: readonly string[],
  parameter: Parameter,
  dictionaryOf: (text: string) => Dictionary | undefined,
): string | undefined {
  if (values.length === 0) return undefined
  if (parameter === undefined) return values.join(', ')
  if (parameter[0] === 'bs' && parameter[1].value === true) {
    return values.map((value) => `:${Buffer.from(value, 'latin1').toString('base64')}:`).join(', ')
  }
  const key = textOf(parameter, 'key')
  const member = key === undefined ? undefined : dictionaryOf(values.join(', '))?.get(key)
  return member && writeMember(member)
}

/** The values of a field; none of what is no name of one. */
function valuesOf(name: string, { headers }: WebhookRequest): readonly string[] {
  const values: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === name && FIELD_NAME.test(name)) {
      values.push(trimmed(headers[index + 1] ?? ''))
    }
  }
  return values
}

/** Looks behind before it follows a run of white space, so that none is followed from each of its characters. */
function trimmed(value: string): string {
  return value.replaceAll(/^[\t ]+|(?<![\t ])[\t ]+$/g, '')
}

/** RFC 9421 §2.2.8: name and value are decoded and encoded again; one that comes twice cannot be covered. */
function queryParameter(parameter: Parameter, parameters: readonly string[]): string | undefined {
  const name = textOf(parameter, 'name')
  if (name === undefined) return undefined
  const start = `${name}=`
  const [only, ...others] = parameters.filter((each) => each.startsWith(start))
  return others.length === 0 ? only?.slice(start.length) : undefined
}

/** Each as `name=value`, by the percent-encode set of application/x-www-form-urlencoded, with spaces as `%20`. */
function encodedParameters(query: string): readonly string[] {
  return String(new URLSearchParams(query)).replaceAll('+', '%20').split('&')
}

const ABSOLUTE = /^(https?):\/\/([^/?#]*)/i

/**
 * RFC 9421 §2.2, but for `@status`, which is of responses. Where a request went is the receiver's own origin, or the URL's,
 * or what the `Host` header says under https.
 */
function derivedValues(
  request: WebhookRequest,
  origin: string | undefined,
): Readonly<Record<string, string | undefined>> {
  const { method, url } = request
  const [, scheme = 'https', given] = ABSOLUTE.exec((origin ?? url).toLowerCase()) ?? []
  const [host, ...others] = valuesOf('host', request)
  const named = given ?? (others.length === 0 ? host?.toLowerCase() : undefined)
  const authority = named?.replace(scheme === 'https' ? /:443$/ : /:80$/, '')
  const rest = url.replace(ABSOLUTE, '')
  const [path = ''] = rest.split('?', 1)
  const query = rest.slice(path.length)
  const target = (path || '/') + query
  return {
    '@method': method,
    '@authority': authority,
    '@scheme': scheme,
    '@path': path || '/',
    '@query': query || '?',
    '@request-target': target,
    '@target-uri': authority === undefined ? undefined : `${scheme}://${authority}${target}`,
  }
}
