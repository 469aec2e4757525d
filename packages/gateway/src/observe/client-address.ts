import type { IncomingMessage } from 'node:http'
import type { BlockList } from 'node:net'
import { familyOf } from '../config/trusted-proxies.ts'

/** A sender can write as many hops as its header may be long; real chains have two or three. */
const MOST_HOPS = 32

/**
 * Who sent a request: the connection's own address, or, where that is a proxy's that we trust, the last hop that no
 * trusted proxy wrote of itself. Of a chain everything to the left of the first stranger is that stranger's word.
 *
 * Where both `Forwarded` (RFC 7239) and `X-Forwarded-For` come and differ, one of them is what the sender wrote and the
 * proxy passed on, and nobody knows which: then it is the proxy's address.
 */
export function clientAddress(
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  trusted: BlockList | undefined,
): string | undefined {
  const peer = unmapped(request.socket.remoteAddress)
  if (peer === undefined || trusted === undefined || !isTrusted(peer, trusted)) return peer
  const chains = [forwardedFor(request.headers['x-forwarded-for']), forwarded(request.headers.forwarded)]
  const found = chains.filter((chain) => chain.length > 0).map((chain) => lastStranger(chain, peer, trusted))
  return found.every((each) => each === found[0]) ? (found[0] ?? peer) : peer
}

/** From the right: hops that are trusted themselves are passed over, and what is no address ends the search. */
function lastStranger(chain: readonly string[], peer: string, trusted: BlockList): string {
  let last = peer
  for (const hop of chain.slice(-MOST_HOPS).toReversed()) {
    const address = addressOf(hop)
    if (address === undefined) return last
    if (!isTrusted(address, trusted)) return address
    last = address
  }
  return last
}

/** Node joins several of them by a comma, in their order. */
function forwardedFor(header: string | readonly string[] | undefined): readonly string[] {
  return typeof header === 'string' ? header.split(',') : []
}

/** `for=192.0.2.43, for="[2001:db8::17]:4711";proto=https`: the `for` of each element, and nothing where it has none. */
function forwarded(header: string | undefined): readonly string[] {
  const elements = (header ?? '')
    .split(',')
    .map((element) => /(?:^|;)\s*for=(?:"([^"]*)"|([^;\s]*))/i.exec(element))
  // With other parameters alone, as `host=…`, it says nothing of who sent the request.
  return elements.every((match) => match === null)
    ? []
    : elements.map((match) => match?.[1] ?? match?.[2] ?? '')
}

/** Without brackets and port; `undefined` for `unknown`, an obfuscated name, and anything else. */
function addressOf(hop: string): string | undefined {
  const text = hop.trim()
  const bare =
    /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text)?.[1] ?? text
  const address = unmapped(bare)
  return address !== undefined && familyOf(address) !== undefined ? address : undefined
}

/** A listener for both families shows IPv4 senders as `::ffff:192.0.2.1`. */
function unmapped(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}

function isTrusted(address: string, trusted: BlockList): boolean {
  const family = familyOf(address)
  return family !== undefined && trusted.check(address, family)
}
