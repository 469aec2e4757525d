import type { BlockList } from 'node:net'
import { expect, test } from 'vitest'
import { parseTrustedProxies } from '../config/trusted-proxies.ts'
import { clientAddress } from './client-address.ts'

function trusting(networks: string): BlockList {
  const checked = parseTrustedProxies(networks, 'POSTERN_TRUSTED_PROXIES')
  if (!checked.ok) throw new Error(checked.problems[0]?.message)
  return checked.value
}

function clientOf(
  remoteAddress: string,
  headers: Readonly<Record<string, string>>,
  trusted: BlockList | undefined,
): string | undefined {
  // All that is read of a request.
  return clientAddress({ headers, socket: { remoteAddress } } as never, trusted)
}

const TRUSTED = trusting('10.0.0.0/8, 2001:db8:1::/48, 192.0.2.1')

test.each<[string, string, Readonly<Record<string, string>>, string]>([
  ['a stranger is not believed', '203.0.113.9', { 'x-forwarded-for': '1.2.3.4' }, '203.0.113.9'],
  ['a proxy that says nothing', '10.1.2.3', {}, '10.1.2.3'],
  ['one hop', '10.1.2.3', { 'x-forwarded-for': '198.51.100.7' }, '198.51.100.7'],
  [
    'what the sender wrote before it',
    '10.1.2.3',
    { 'x-forwarded-for': '1.2.3.4, 198.51.100.7' },
    '198.51.100.7',
  ],
  [
    'a chain of proxies',
    '10.1.2.3',
    { 'x-forwarded-for': '1.2.3.4, 198.51.100.7, 192.0.2.1' },
    '198.51.100.7',
  ],
  ['nothing but proxies', '10.1.2.3', { 'x-forwarded-for': '10.9.9.9, 192.0.2.1' }, '10.9.9.9'],
  ['no address', '10.1.2.3', { 'x-forwarded-for': 'evil\u001b[2J, 192.0.2.1' }, '192.0.2.1'],
  ['an address with a port', '10.1.2.3', { 'x-forwarded-for': '198.51.100.7:4711' }, '198.51.100.7'],
  [
    'Forwarded',
    '10.1.2.3',
    { forwarded: 'for=1.2.3.4, for="[2001:db8:2::17]:4711";proto=https' },
    '2001:db8:2::17',
  ],
  ['Forwarded that hides', '10.1.2.3', { forwarded: 'for=_hidden, for=unknown' }, '10.1.2.3'],
  ['Forwarded without for', '10.1.2.3', { forwarded: 'for=1.2.3.4, proto=https' }, '10.1.2.3'],
  [
    'Forwarded of other things',
    '10.1.2.3',
    { forwarded: 'host=evil.example;proto=https', 'x-forwarded-for': '198.51.100.7' },
    '198.51.100.7',
  ],
  [
    'both, of one mind',
    '10.1.2.3',
    { forwarded: 'for=198.51.100.7', 'x-forwarded-for': '198.51.100.7' },
    '198.51.100.7',
  ],
  ['both, at odds', '10.1.2.3', { forwarded: 'for=1.2.3.4', 'x-forwarded-for': '198.51.100.7' }, '10.1.2.3'],
  [
    'an IPv4 address in IPv6',
    '::ffff:10.1.2.3',
    { 'x-forwarded-for': '::ffff:198.51.100.7' },
    '198.51.100.7',
  ],
  ['an IPv6 proxy', '2001:db8:1::5', { 'x-forwarded-for': '198.51.100.7' }, '198.51.100.7'],
  [
    'a chain without end',
    '10.1.2.3',
    { 'x-forwarded-for': `1.2.3.4,${'10.0.0.1,'.repeat(5000)}10.0.0.2` },
    '10.0.0.1',
  ],
])('%s', (_what, peer, headers, expected) => {
  expect(clientOf(peer, headers, TRUSTED)).toBe(expected)
})

test('without a list nobody is believed', () => {
  expect(clientOf('10.1.2.3', { 'x-forwarded-for': '1.2.3.4' }, undefined)).toBe('10.1.2.3')
})

test.each([
  '',
  '10.0.0.0/33',
  '10.0.0.0/0',
  '::/0',
  '10.0.0/8',
  'proxy.example',
  '10.0.0.0/8/8',
  'fe80::1%eth0',
  '10.0.0.1,',
])("the list '%s' is refused", (text) => {
  expect(parseTrustedProxies(text, 'POSTERN_TRUSTED_PROXIES')).toMatchObject({
    ok: false,
    problems: [{ path: 'POSTERN_TRUSTED_PROXIES' }],
  })
})
