/**
 * The spellings of a URL that may have been signed in its place: with and without its port, and with its query escaped
 * as different clients do. They all name the same resource, so that whoever can send one can send the others.
 *
 * Nothing is parsed and put together again: what is not changed stays as it is, byte for byte.
 */
export function urlSpellings(url: string): readonly string[] {
  const start = url.indexOf('?')
  const [address, query] = start < 0 ? [url, ''] : [url.slice(0, start), url.slice(start)]
  const spellings = new Set<string>()
  for (const each of [address, ...portSpellings(address)]) {
    for (const asked of querySpellings(query)) spellings.add(each + asked)
  }
  return [...spellings]
}

/** Scheme, user and host (IPv6 in brackets); port; path. */
const ADDRESS = /^(https?:\/\/(?:[^/]*@)?(?:\[[^\]/]*\]|[^:/[\]@]*))(:\d+)?(\/.*)?$/i

function portSpellings(address: string): readonly string[] {
  const [, host, port, path = ''] = ADDRESS.exec(address) ?? []
  if (host === undefined) return []
  return [host + path, host + (port ?? (/^https/i.test(host) ? ':443' : ':80')) + path]
}

/** As it came, with quotes escaped, with `@` and `:` not, and each name and value escaped anew. */
function querySpellings(query: string): readonly string[] {
  return [
    query,
    query.replaceAll("'", '%27'),
    query.replaceAll(/%(?:40|3a)/gi, decodeURIComponent),
    query.replaceAll(/[^?&=]+/g, escapedAnew),
  ]
}

/** What cannot be decoded stays as it is. */
function escapedAnew(written: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(written.replaceAll('+', ' ')))
  } catch {
    return written
  }
}
