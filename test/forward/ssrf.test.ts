import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { resolveDestinations } from '../../packages/gateway/src/config/resolve-destinations.ts'
import { AddressRefusedError, type Resolve } from '../../packages/gateway/src/forward/guarded-connect.ts'
import { networksOf } from '../../packages/gateway/src/forward/networks.ts'
import { Target, type Sent } from '../../packages/gateway/src/forward/target.ts'
import { DnsServer } from '../support/dns-server.ts'
import { TcpCanary } from '../support/tcp-canary.ts'

/**
 * The guard against being sent into one's own network (T45, T46). The oracle is what listens there: it must see nothing at
 * all, whatever the answer to us.
 */
let canaries: TcpCanary[]
let port: number
let targets: Target[] = []

beforeEach(async () => {
  const first = await TcpCanary.listen('127.0.0.1')
  port = first.port
  canaries = [first, await TcpCanary.listen('::1', port)]
})

afterEach(async () => {
  await Promise.all([...targets.splice(0), ...canaries].map((each) => each.close()))
})

function seen(): number {
  return canaries.reduce((sum, { connections }) => sum + connections, 0)
}

async function post(url: string, options: { allow?: string[]; resolve?: Resolve } = {}): Promise<Sent> {
  const target = new Target({
    url: new URL(url),
    connections: 1,
    timeoutMs: 5000,
    allowNetworks: networksOf(options.allow ?? []),
    ...(options.resolve && { resolve: options.resolve }),
  })
  targets.push(target)
  return target.post([], Buffer.from('{}'), new AbortController())
}

/** Hosts that mean this machine or its network, as people write them who want to get past a check. */
const SPELLINGS = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.0.1',
  '127.000.000.001',
  '127.0.0.2',
  '127.127.127.127',
  '127.255.255.254',
  '2130706433',
  '2130706433.',
  '0x7f000001',
  '0x7F000001',
  '0x7f.1',
  '0x7f.0.0.1',
  '0x7F.0x0.0x0.0x1',
  '0x7f.0.1',
  '0x7f.0x000001',
  '0177.0.0.1',
  '0177.1',
  '00000177.1',
  '017700000001',
  '0000000000000017700000001',
  '127.0x1',
  '127.0.0x1',
  '127.0.0.01',
  '0x0000007f.00000.0.1',
  '0',
  '00',
  '0x0',
  '0.0.0.0',
  '0.0',
  '0.0.0.1',
  '①②⑦.⓪.⓪.①',
  '１２７.０.０.１',
  '127。0。0。1',
  '127．0．0．1',
  '127｡0｡0｡1',
  '0ⓧ7f.1',
  '%31%32%37.0.0.1',
  '127.0.0%2e1',
  '%30%78%37%66%2e%31',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[0000:0000:0000:0000:0000:0000:0000:0001]',
  '[::0001]',
  '[0::1]',
  '[::0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::FFFF:7F00:0001]',
  '[0:0:0:0:0:ffff:127.0.0.1]',
  '[::ffff:0:127.0.0.1]',
  '[::127.0.0.1]',
  '[::7f00:1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2002:7f00:1::1]',
  '[2001:0:7f00:1::]',
  '[fe80::1]',
  '[fd00::1]',
  '[ff02::1]',
  '169.254.169.254',
  '0xa9fea9fe',
  '2852039166',
  '0251.0376.0251.0376',
  '[::ffff:a9fe:a9fe]',
  '[fd00:ec2::254]',
  '10.0.0.1',
  '012.1',
  '172.16.1',
  '192.168.1',
  '3232235777',
  '100.100.100.200',
  '168.63.129.16',
  'localhost',
  'LocalHost',
  'localhost.',
  'ｌｏｃａｌｈｏｓｔ',
  '%6c%6f%63%61%6c%68%6f%73%74',
]

test('there are more than 60 spellings, and every one is a URL', () => {
  expect(SPELLINGS.length).toBeGreaterThan(60)
  expect(SPELLINGS.filter((host) => !URL.canParse(`https://${host}:1/`))).toEqual([])
})

describe('a connection to', () => {
  test.each(SPELLINGS)('%s is refused, and nobody sees any of it', async (host) => {
    for (const scheme of ['https', 'http']) {
      const sent = await post(`${scheme}://${host}:${port}/`)
      expect(sent.kind === 'failed' && reasonOf(sent.error)).toMatch(
        host === 'localhost.' ? UNKNOWN_TOO : /^refused$/,
      )
    }
    expect(seen()).toBe(0)
  })
})

/** Not every system knows the name with its dot. */
const UNKNOWN_TOO = /^(?:refused|ENOTFOUND|EAI_AGAIN)$/

function reasonOf(error: Error): string {
  return error instanceof AddressRefusedError ? 'refused' : String((error as NodeJS.ErrnoException).code)
}

test('an address that cannot be reached is refused at start already', () => {
  const literals = SPELLINGS.filter((host) => !/^(?:localhost|ｌ|%6c)/i.test(host))
  const passed = literals.filter((host) => {
    const destinations = { billing: { url: `https://${host}:${port}/`, secret: `whsec_${'A'.repeat(43)}=` } }
    return resolveDestinations(destinations, { env: {}, sources: [] }).ok
  })
  expect(passed).toEqual([])
})

test('the canary does see what is allowed to it', async () => {
  const sent = await post(`http://127.1:${port}/`, { allow: ['127.0.0.0/8'] })
  expect([sent.kind, seen()]).toEqual(['failed', 1])
})

describe('a name', () => {
  test.each([
    [['127.0.0.1']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['64:ff9b::7f00:1']],
    [['2002:7f00:1::']],
    [['169.254.169.254']],
    [['fe80::1%lo']],
    [['0.0.0.0']],
    // One inside and one outside, in either order.
    [['192.0.2.1', '127.0.0.1']],
    [['127.0.0.1', '2606:4700:4700::1111']],
    [['2606:4700:4700::1111', '::1']],
    [['no address']],
    [['']],
  ])('with the addresses %j is refused', async (addresses) => {
    const sent = await post(`https://inside.example:${port}/`, { resolve: async () => addresses })
    expect(sent.kind === 'failed' && sent.error).toBeInstanceOf(AddressRefusedError)
    expect(seen()).toBe(0)
  })

  test('without an address fails, and so does one that cannot be resolved', async () => {
    const none = await post('https://nowhere.example/', { resolve: async () => [] })
    const broken = await post('https://nowhere.example/', {
      resolve: () => Promise.reject(new Error('SERVFAIL')),
    })
    expect([none, broken]).toMatchObject([
      { kind: 'failed', text: 'the name nowhere.example has no address' },
      { kind: 'failed', text: 'SERVFAIL' },
    ])
  })

  test('is resolved once for a connection', async () => {
    let calls = 0
    const resolve = async (): Promise<string[]> => {
      calls += 1
      return ['127.0.0.1']
    }
    await post(`http://inside.example:${port}/`, { resolve, allow: ['127.0.0.1'] })
    expect([calls, seen()]).toEqual([1, 1])
  })
})

test('what is connected to counts, not what was asked for: 0.0.0.0 is connected to 127.0.0.1', async () => {
  const sent = await post(`http://0.0.0.0:${port}/`, { allow: ['0.0.0.0'] })
  expect(sent.kind === 'failed' && sent.error).toBeInstanceOf(AddressRefusedError)
})

test('without TLS nothing goes to the public internet', async () => {
  const sent = await post('http://1.1.1.1/', { allow: ['10.0.0.0/8'] })
  expect(sent).toMatchObject({ kind: 'failed', text: expect.stringContaining('without TLS') })
})

test('a name server that changes its answer each time gets nobody in, in 1,000 tries', async () => {
  const answers = [['127.0.0.2'], ['127.0.0.1'], ['127.0.0.2', '127.0.0.1'], ['127.0.0.1', '127.0.0.2']]
  let asked = 0
  const names = await DnsServer.listen(() => answers[asked++ % answers.length]!)
  const allowed = await listen('127.0.0.2', port)
  const ask = names.resolver()
  const kinds = new Map<string, number>()
  for (let tries = 0; tries < 1000; tries += 1) {
    const sent = await post(`http://flips.example:${port}/`, { resolve: ask, allow: ['127.0.0.2'] })
    const kind = sent.kind === 'answered' ? 'answered' : sent.error.name
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    await targets.pop()?.close()
  }
  expect(Object.fromEntries(kinds)).toEqual({ answered: 250, AddressRefusedError: 750 })
  expect([names.questions, seen()]).toEqual([1000, 0])
  await Promise.all([names.close(), new Promise((resolve) => allowed.close(resolve))])
})

test('proxies of the environment are not asked', async () => {
  const before = { ...process.env }
  const proxy = `http://127.0.0.1:${port}`
  Object.assign(process.env, {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    ALL_PROXY: proxy,
    NODE_USE_ENV_PROXY: '1',
  })
  try {
    const allowed = await listen('127.0.0.2', 0)
    const sent = await post(`http://127.0.0.2:${(allowed.address() as { port: number }).port}/`, {
      allow: ['127.0.0.2'],
    })
    expect([sent.kind, seen()]).toEqual(['answered', 0])
    await new Promise((resolve) => allowed.close(resolve))
  } finally {
    process.env = before
  }
})

function listen(host: string, at: number): Promise<Server> {
  const server = createServer((_request, response) => response.end('ok'))
  return new Promise((resolve) => server.listen(at, host, () => resolve(server)))
}
