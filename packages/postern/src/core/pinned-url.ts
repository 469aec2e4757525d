/** The only addresses that may be visited: expressions for the whole host and the whole path. */
export interface Pin {
  readonly hosts: string
  readonly paths: string
}

/** Longer than any address of a certificate or a confirmation. */
const MAX_URL_LENGTH = 2048

/**
 * An address from a request, where it is a pinned one. Taken apart by an expression and not by `URL`: that one takes
 * `https:\\host`, `https://pinned@other`, tabs and escapes for other addresses than a reader of the text would.
 */
export function pinnedUrl(
  text: string,
  pin: Pin,
  withQuery: 'with-query' | 'without-query',
): string | undefined {
  if (text.length > MAX_URL_LENGTH) return undefined
  // What is no address is refused as such: an expression may also fit an empty text.
  const address = ADDRESS.exec(text)
  if (address === null) return undefined
  const [host, path, query] = address.slice(1) as [string, string, string?]
  if (query !== undefined && withQuery === 'without-query') return undefined
  return isWhole(pin.hosts, host) && isWhole(pin.paths, path) && !path.includes('..') ? text : undefined
}

/** https, a name in lower case, a path, and a query where there is one: no user, no port, no fragment. */
const ADDRESS = /^https:\/\/([a-z0-9-]+(?:\.[a-z0-9-]+)+)(\/[A-Za-z0-9._~/-]*)(\?[A-Za-z0-9._~:/%&=+-]*)?$/

function isWhole(expression: string, text: string): boolean {
  return new RegExp(`^(?:${expression})$`).test(text)
}
