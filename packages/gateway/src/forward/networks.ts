import { BlockList, isIP, isIPv4 } from 'node:net'

/** Networks that a destination may stand in although the internet cannot reach them. */
export interface Networks {
  has(address: string): boolean
}

/**
 * What is not globally reachable, by IANA's registry of special-purpose IPv4 addresses
 * (https://www.iana.org/assignments/iana-ipv4-special-registry), and multicast. Whole blocks, also where the registry makes
 * an exception for a single address in them. 168.63.129.16 is from the public space, and Azure's host to its virtual machines.
 */
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/**
 * The only IPv6 space that is given out for global use; loopback, mapped and compatible IPv4, NAT64, unique local,
 * link-local and multicast addresses all stand outside of it.
 */
const GLOBAL_V6 = ['2000::/3']

/**
 * Of that what is not globally reachable (https://www.iana.org/assignments/iana-ipv6-special-registry), with Teredo in the
 * first, and 6to4, which carries any IPv4 address: 2002:7f00:1:: is 127.0.0.1.
 */
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const specialV4 = blockList(SPECIAL_V4)
const globalV6 = blockList(GLOBAL_V6)
const specialV6 = blockList(SPECIAL_V6)

/** Whether an address is one of the public internet. What is no IP address is not. */
export function isGlobal(address: string): boolean {
  const bare = withoutZone(address)
  const family = isIP(bare)
  if (family === 4) return !specialV4.check(bare, 'ipv4')
  // One list each: a list with IPv4 networks finds mapped addresses in them, and nothing else that carries IPv4.
  return family === 6 && globalV6.check(bare, 'ipv6') && !specialV6.check(bare, 'ipv6')
}

/** Networks as `10.0.0.0/8`, `fd00::/8` or a single address. Call `networkProblem` for each before. */
export function networksOf(networks: readonly string[]): Networks {
  const list = blockList(networks)
  return {
    has(address) {
      const bare = withoutZone(address)
      return isIP(bare) !== 0 && list.check(bare, familyOf(bare))
    },
  }
}

/** What is wrong with a network as it was written; `undefined` where nothing is. */
export function networkProblem(network: string): string | undefined {
  const { address, prefix } = partsOf(network)
  if (isIP(address) === 0 || address.includes('%'))
    return 'is not a network such as 10.0.0.0/8, fd00::/8 or 10.1.2.3'
  const bits = isIPv4(address) ? 32 : 128
  if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
    return `has a prefix that is not a number from 1 to ${bits}`
  return prefix !== undefined && Number(prefix) === 0
    ? 'is every network there is; name those that you mean'
    : undefined
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const { address, prefix } = partsOf(network)
    list.addSubnet(address, Number(prefix ?? (isIPv4(address) ? 32 : 128)), familyOf(address))
  }
  return list
}

function partsOf(network: string): { readonly address: string; readonly prefix: string | undefined } {
  const slash = network.indexOf('/')
  return slash < 0
    ? { address: network, prefix: undefined }
    : { address: network.slice(0, slash), prefix: network.slice(slash + 1) }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6'
}

function withoutZone(address: string): string {
  const percent = address.indexOf('%')
  return percent < 0 ? address : address.slice(0, percent)
}
