/** A scheme of HTTP, a host or an address in brackets, perhaps a port: no user and no password, which RFC 9110 §4.2.4 has refused. */
const AUTHORITY = /^https?:\/\/(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d{0,5})?(?=[/?]|$)/i
const ANY_SCHEME = /^[a-z][a-z\d+.-]*:/i

/**
 * The path and query of a request target, byte for byte, also where the whole URL stands there (RFC 9112 §3.2.2 has a server take
 * that). Its scheme and authority are the sender's word, as the `Host` header is: they are dropped, and nothing is verified by them.
 * `undefined` where it is a URL of another form.
 */
export function originForm(target: string): string | undefined {
  if (target.startsWith('/')) return target
  const [authority] = AUTHORITY.exec(target) ?? []
  if (authority === undefined) return ANY_SCHEME.test(target) ? undefined : target
  const rest = target.slice(authority.length)
  return rest.startsWith('/') ? rest : `/${rest}`
}
