import { BlockList, isIP } from 'node:net'
import { problem, type Checked } from './problem.ts'

const LARGEST_PREFIX = { ipv4: 32, ipv6: 128 } as const
const MOST_NETWORKS = 256

/** Reads a list of addresses and networks, `10.0.0.0/8, 2001:db8::/32, 192.0.2.7`, that are believed about who sent a request. */
export function parseTrustedProxies(text: string, name: string): Checked<BlockList> {
  const trusted = new BlockList()
  const networks = text.split(',').map((each) => each.trim())
  if (networks.length > MOST_NETWORKS) return problem(name, `has more than ${MOST_NETWORKS} networks`)
  for (const network of networks) {
    const [address = '', prefix, ...more] = network.split('/')
    const family = familyOf(address)
    const length = prefix === undefined ? undefined : wholeNumber(prefix)
    if (family === undefined || more.length > 0 || (prefix !== undefined && length === undefined))
      return problem(
        name,
        `'${network.slice(0, 60)}' is not an address or a network, such as 10.0.0.0/8 or 2001:db8::/32`,
      )
    if (length === undefined) trusted.addAddress(address, family)
    else if (length === 0 || length > LARGEST_PREFIX[family])
      return problem(
        name,
        `'${network.slice(0, 60)}': the part after the slash must be from 1 to ${LARGEST_PREFIX[family]}; nobody can trust everybody`,
      )
    else trusted.addSubnet(address, length, family)
  }
  return { ok: true, value: trusted }
}

/** Of an address as text; of one with a zone (`fe80::1%eth0`) none, since a list has no interfaces. */
export function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  if (address.includes('%')) return undefined
  const version = isIP(address)
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,3}$/.test(text) ? Number(text) : undefined
}
