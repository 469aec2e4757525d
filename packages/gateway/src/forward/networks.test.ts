import { describe, expect, test } from 'vitest'
import { isGlobal, networkProblem, networksOf } from './networks.ts'

describe('an address is of the public internet', () => {
  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '93.184.215.14',
    '172.15.255.255',
    '172.32.0.0',
    '100.63.255.255',
    '100.128.0.0',
  ])('%s', (address) => expect(isGlobal(address)).toBe(true))
  test.each(['2606:4700:4700::1111', '2a00:1450:4001:82a::200e', '2001:200::1', '2600::'])('%s', (address) =>
    expect(isGlobal(address)).toBe(true),
  )
})

describe('an address is not', () => {
  // The first and the last of each block of IANA's registries, and what is famous in it.
  test.each([
    ['0.0.0.0', 'this network'],
    ['0.255.255.255', 'this network'],
    ['10.0.0.0', 'private'],
    ['10.255.255.255', 'private'],
    ['100.64.0.0', 'carrier-grade NAT'],
    ['100.100.100.200', 'Alibaba metadata'],
    ['100.127.255.255', 'carrier-grade NAT'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['168.63.129.16', 'Azure’s host'],
    ['169.254.0.0', 'link-local'],
    ['169.254.169.254', 'metadata of AWS, GCP, Azure'],
    ['169.254.170.2', 'ECS credentials'],
    ['172.16.0.0', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.0', 'IETF protocols'],
    ['192.0.0.192', 'Oracle metadata'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', '6to4 relays'],
    ['192.168.0.0', 'private'],
    ['192.168.255.255', 'private'],
    ['198.18.0.0', 'benchmarks'],
    ['198.19.255.255', 'benchmarks'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.255', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.0', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::7f00:1', 'compatible with 127.0.0.1'],
    ['::808:808', 'compatible with 8.8.8.8'],
    ['::ffff:127.0.0.1', 'mapped'],
    ['::ffff:8.8.8.8', 'mapped'],
    ['::ffff:0:127.0.0.1', 'translated'],
    ['64:ff9b::7f00:1', 'NAT64'],
    ['64:ff9b::808:808', 'NAT64'],
    ['64:ff9b:1::a00:1', 'local NAT64'],
    ['100::', 'discard'],
    ['2001::', 'Teredo'],
    ['2001:0:53aa:64c::', 'Teredo'],
    ['2001:2::1', 'benchmarks'],
    ['2001:10::1', 'ORCHID'],
    ['2001:1ff:ffff::', 'IETF protocols'],
    ['2001:db8::1', 'documentation'],
    ['2002:7f00:1::', '6to4 of 127.0.0.1'],
    ['2002:a00:1::', '6to4 of 10.0.0.1'],
    ['2002:808:808::', '6to4 of 8.8.8.8'],
    ['3fff::1', 'documentation'],
    ['5f00::1', 'segment routing'],
    ['fc00::1', 'unique local'],
    ['fd00:ec2::254', 'AWS metadata'],
    ['fd20:ce::254', 'GCP metadata'],
    ['fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'unique local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['febf::1', 'link-local'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['4000::1', 'not given out'],
    ['', 'nothing'],
    ['localhost', 'a name'],
    ['127.1', 'no address'],
    ['2606:4700:4700::1111/64', 'a network'],
  ])('%s (%s)', (address) => expect(isGlobal(address)).toBe(false))
})

test('networks hold what stands in them, in each way to write it', () => {
  const networks = networksOf(['10.1.0.0/16', '192.168.7.7', 'fd00:1::/32', '::1'])
  const inside = ['10.1.0.0', '10.1.255.255', '192.168.7.7', 'fd00:1::ffff', '::1', '0:0:0:0:0:0:0:1']
  const outside = ['10.2.0.0', '192.168.7.8', 'fd00:2::1', '::2', '127.0.0.1', 'localhost', '']
  expect(inside.filter((address) => !networks.has(address))).toEqual([])
  expect(outside.filter((address) => networks.has(address))).toEqual([])
})

test.each([
  ['10.0.0.0/8', undefined],
  ['fd00::/8', undefined],
  ['127.0.0.1', undefined],
  ['10.0.0.0/33', 'from 1 to 32'],
  ['fd00::/129', 'from 1 to 128'],
  ['10.0.0.0/', 'from 1 to 32'],
  ['10.0.0.0/-1', 'from 1 to 32'],
  ['0.0.0.0/0', 'every network'],
  ['::/0', 'every network'],
  ['10.0/8', 'is not a network'],
  ['internal', 'is not a network'],
  ['fe80::1%eth0', 'is not a network'],
  ['', 'is not a network'],
])('%j as a network: %s', (network, expected) => {
  const problem = networkProblem(network)
  if (expected === undefined) expect(problem).toBeUndefined()
  else expect(problem).toContain(expected)
})
