import { headerValues } from './event-values.ts'

/** Which headers a target gets beside our own. */
export interface HeaderRules {
  /** Of the received ones, those that are passed on under their own names. */
  readonly pass?: readonly string[]
  /** Of the received ones, those that are passed on as `postern-original-<name>`. */
  readonly original?: readonly string[]
  /** Headers of the destination's own, an API key for instance. */
  readonly set?: Readonly<Record<string, string>>
}

/** They say what the bytes are, and the bytes are passed on as they came. */
const ABOUT_THE_BODY = ['content-type', 'content-encoding']
const ORIGINAL_PREFIX = 'postern-original-'
/** A value that is longer is left out: whoever sent it chose its length. */
const LONGEST_VALUE_CHARS = 4096

/** Of one connection (RFC 9110 §7.6.1), or ours to say. */
const NEVER_SET =
  /^(?:connection|content-length|content-encoding|content-type|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|webhook-.*|postern-.*)$/
/** Beside those: credentials that the sender meant for us. */
const NEVER_PASSED = /^(?:authorization|proxy-authorization|cookie|set-cookie2?)$/
const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/
/** Visible ASCII, spaces and tabs: the rest is read differently by different servers (RFC 9110 §5.5). */
const VALUE = /^[\t\x20-\x7e]*$/

/** What keeps a received header from being passed on at all; `undefined` where nothing does. */
export function passProblem(name: string, as: 'pass' | 'original'): string | undefined {
  const lower = name.toLowerCase()
  if (!NAME.test(lower)) return 'is no name of a header'
  if (NEVER_PASSED.test(lower)) return 'carries credentials that were meant for us'
  if (as === 'pass' && ABOUT_THE_BODY.includes(lower)) return 'is always passed on'
  return as === 'pass' && NEVER_SET.test(lower)
    ? "is Postern's own, or of one connection; name it under original"
    : undefined
}

/** What keeps a header from being set; `undefined` where nothing does. */
export function setProblem(name: string, value: string): string | undefined {
  const lower = name.toLowerCase()
  if (!NAME.test(lower)) return 'is no name of a header'
  if (NEVER_SET.test(lower)) return "is Postern's own, or of one connection"
  if (!VALUE.test(value)) return 'has a value with characters that no header may have'
  return value.length > LONGEST_VALUE_CHARS ? `is longer than ${LONGEST_VALUE_CHARS} characters` : undefined
}

/** What stays the same of one destination's headers, prepared once. */
export class ForwardedHeaders {
  readonly #kept: readonly {
    readonly from: string
    readonly to: string
    /** What says what the body is may stand once only; the others come as often as they came. */
    readonly isOnce: boolean
  }[]
  readonly #set: readonly string[]

  constructor({ pass = [], original = [], set = {} }: HeaderRules) {
    const own = new Map(Object.entries(set).map(([name, value]) => [name.toLowerCase(), value]))
    const passed = [...new Set(pass.map(lowered))].filter((name) => !own.has(name))
    this.#kept = [
      ...[...ABOUT_THE_BODY, ...passed].map((name) => ({
        from: name,
        to: name,
        isOnce: ABOUT_THE_BODY.includes(name),
      })),
      ...[...new Set(original.map(lowered))].map((name) => ({
        from: name,
        to: ORIGINAL_PREFIX + name,
        isOnce: ABOUT_THE_BODY.includes(name),
      })),
    ]
    this.#set = [...own].flat()
  }

  /** Adds names and values in turn. */
  addTo(headers: string[], received: readonly string[]): void {
    for (const { from, to, isOnce } of this.#kept) {
      const values = headerValues(received, from)
      const together = values.length === 1 ? (values[0] ?? '') : values.join(', ')
      if (together === '' || together.length > LONGEST_VALUE_CHARS || !VALUE.test(together)) continue
      for (const value of isOnce ? [together] : values) headers.push(to, value)
    }
    headers.push(...this.#set)
  }
}

function lowered(name: string): string {
  return name.toLowerCase()
}
