import { rootCertificates } from 'node:tls'
import { vastai } from 'postern/providers'
import { describe, expect, test } from 'vitest'
import { checkConfig } from './check-config.ts'
import { destinationsWithoutSecret, resolveDestinations } from './resolve-destinations.ts'

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const other = `whsec_${Buffer.alloc(32, 2).toString('base64')}`
const url = 'https://billing.example/hook'
const sources = { vastai: vastai({ secret: 'a-secret-of-16-bytes' }) }

/** What is wrong with one destination, as the file says it. */
function formProblems(billing: unknown): readonly string[] {
  const checked = checkConfig({ sources, destinations: { billing } }, 'postern.config.ts')
  return checked.ok ? [] : checked.problems.map(({ path, message }) => `${path}: ${message}`)
}

function resolved(
  billing: object,
  env: Record<string, string> = {},
  made?: string,
): readonly string[] | string {
  const checked = resolveDestinations(
    { billing: { url, ...billing } },
    {
      env,
      sources: ['vastai'],
      ...(made !== undefined && { development: { secrets: new Map([['billing', made]]) } }),
    },
  )
  if (!checked.ok) return checked.problems.map(({ path, message }) => `${path}: ${message}`).join('; ')
  const [first] = checked.value
  return first !== undefined && 'secrets' in first ? first.secrets : []
}

test('a destination with all that there is passes', () => {
  const whole = {
    url,
    from: [
      { source: 'vastai', type: ['instance.*', 'outbid'], where: { json: { 'data.amount': { above: 1 } } } },
      { type: 'low_credit' },
    ],
    secret: [secret, undefined],
    headers: { pass: ['x-request-id'], original: ['x-vast-signature'], set: { authorization: 'Bearer x' } },
    concurrency: 4,
    ratePerSecond: 0.5,
    timeoutMs: 1000,
    retry: { attempts: 3, baseMs: 0, factor: 2, capMs: 1000 },
    giveUpAfterMs: 1000,
    retryOn: ['5xx', 429],
    allowNetworks: ['10.0.0.0/8', 'fd00::/8'],
    ca: rootCertificates.slice(0, 2).join('\n'),
    breaker: { failures: 3, openMs: 10, longestOpenMs: 100 },
  }
  expect(formProblems(whole)).toEqual([])
  expect(formProblems({ url, breaker: false, from: { source: 'vastai' }, secret })).toEqual([])
})

describe('what is wrong is named by its path', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing at all', {}, /^destinations\.billing\.url: is missing/],
    ['a text', 'https://x', /^destinations\.billing: /],
    ['no URL', { url: 'billing' }, /\.url: is not a URL/],
    ['a URL of another kind', { url: 'file:///etc/passwd' }, /\.url: must begin with https/],
    ['a password in the URL', { url: 'https://u:p@billing.example/' }, /\.url: has a user or password/],
    ['a fragment', { url: `${url}#x` }, /\.url: has a fragment/],
    ['an unknown option', { url, retries: 3 }, /^destinations\.billing\.retries: unknown option/],
    ['no route', { url, from: [] }, /\.from: is empty/],
    ['an unknown word in a route', { url, from: { sources: 'x' } }, /\.from\.sources: unknown option/],
    ['a filter with code', { url, from: { where: { type: /x/ } } }, /\.from\.where\.type: /],
    [
      'a filter deep in a list',
      { url, from: [{ where: { json: { a: { over: 1 } } } }] },
      /\.from\.0\.where\.json\.a\.over: unknown option/,
    ],
    ['no type', { url, from: { type: '' } }, /\.from\.type: /],
    [
      'a cookie to be passed on',
      { url, headers: { pass: ['Cookie'] } },
      /\.headers\.pass\.0: carries credentials/,
    ],
    [
      'a proxy’s credentials as original',
      { url, headers: { original: ['Proxy-Authorization'] } },
      /original\.0: carries credentials/,
    ],
    [
      'authorization as original',
      { url, headers: { original: ['authorization'] } },
      /original\.0: carries credentials/,
    ],
    [
      'our own header to be passed on',
      { url, headers: { pass: ['webhook-id'] } },
      /pass\.0: is Postern's own/,
    ],
    [
      'a header of the connection',
      { url, headers: { pass: ['transfer-encoding'] } },
      /pass\.0: is Postern's own/,
    ],
    [
      'a host of its own',
      { url, headers: { set: { Host: 'x' } } },
      /\.headers\.set: "Host" is Postern's own/,
    ],
    [
      'a signature of its own',
      { url, headers: { set: { 'webhook-signature': 'x' } } },
      /"webhook-signature" is/,
    ],
    [
      'a line break in a header',
      { url, headers: { set: { a: 'b\r\nc: d' } } },
      /"a" has a value with characters/,
    ],
    ['a header of no name', { url, headers: { set: { 'a b': 'c' } } }, /"a b" is no name/],
    ['a type that no event has', { url, from: { type: 'a*' } }, /\.from\.type: no event has such a type/],
    [
      'one of several such types',
      { url, from: [{ type: ['a', '*.created'] }] },
      /\.from\.0\.type\.1: no event has such a type/,
    ],
    ['no concurrency', { url, concurrency: 0 }, /\.concurrency: must be 1 or more/],
    ['no rate', { url, ratePerSecond: 0 }, /\.ratePerSecond: must be more than 0/],
    ['no time', { url, timeoutMs: 0 }, /\.timeoutMs: must be 1 or more/],
    [
      'a timer that no timer can wait',
      { url, timeoutMs: 2 ** 31 },
      /\.timeoutMs: must be 2147481647 or less/,
    ],
    ['a schedule that shrinks', { url, retry: { factor: 0.5 } }, /\.retry\.factor: must be 1 or more/],
    ['a 2xx to be tried again', { url, retryOn: [204] }, /\.retryOn\.0: must be/],
    ['every network', { url, allowNetworks: ['0.0.0.0/0'] }, /\.allowNetworks\.0: is every network/],
    ['a network by name', { url, allowNetworks: ['internal'] }, /\.allowNetworks\.0: is not a network/],
    ['no certificate', { url, ca: '/etc/ca.pem' }, /\.ca: is no certificate in PEM/],
    [
      'a certificate that is cut off',
      { url, ca: rootCertificates[0]?.slice(0, 500) },
      /\.ca: is no certificate in PEM/,
    ],
    [
      'a certificate behind another that cannot be read',
      { url, ca: `${rootCertificates[0]}\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----` },
      /\.ca: has a certificate that cannot be read/,
    ],
    ['a breaker that is on', { url, breaker: true }, /\.breaker: must be a plain object/],
    [
      'a breaker that is open longer than the longest',
      { url, breaker: { openMs: 2, longestOpenMs: 1 } },
      /\.breaker\.longestOpenMs: must not be less than openMs/,
    ],
    ['a secret in place of headers', { url, headers: 'Bearer x' }, /\.headers: must be a plain object \(/],
    ['headers in a map', { url, headers: { set: new Headers({ a: 'b' }) } }, /\.set: must be a plain object/],
    [
      'a header twice',
      { url, headers: { set: { 'X-A': '1', 'x-a': '2' } } },
      /\.set: "x-a" stands there twice/,
    ],
    [
      'a name that would be passed over',
      { url, from: { where: { json: { constructor: 'x' } } } },
      /\.json\.constructor: this name cannot be used/,
    ],
    ['a test that says nothing', { url, from: { where: { type: undefined } } }, /\.where: says nothing/],
    [
      'a wait beyond every number',
      { url, giveUpAfterMs: 1e300 },
      /\.giveUpAfterMs: must be 9007199254740991/,
    ],
    ['a factor beyond all', { url, retry: { factor: 1001 } }, /\.retry\.factor: must be 1000 or less/],
  ])('%s', (_what, billing, expected) => {
    expect(formProblems(billing)).toEqual([expect.stringMatching(expected)])
  })

  test.each(['Billing', 'a b', '', 'x'.repeat(65), 'handlers', 'constructor'])('the name %j', (name) => {
    const checked = checkConfig({ sources, destinations: { [name]: { url } } }, 'postern.config.ts')
    expect(checked.ok).toBe(false)
  })

  test.each(['0', '42', '9'.repeat(20)])('the name %j, which is a delivery’s number', (name) => {
    const checked = checkConfig({ sources, destinations: { [name]: { url } } }, 'postern.config.ts')
    const message =
      'the name is a number, which commands such as postern redrive take for a delivery’s: give it a letter as well (in postern.config.ts)'
    expect(checked).toEqual({ ok: false, problems: [{ path: `destinations.${name}`, message }] })
  })
})

describe('a secret', () => {
  test('is the configuration’s, else the environment’s, else the one made for development', () => {
    const env = { BILLING_DESTINATION_SECRET: other, BILLING_DESTINATION_SECRET_2: secret }
    expect(resolved({ secret }, env)).toEqual([secret])
    expect(resolved({ secret: ['', undefined, secret, other] }, env)).toEqual([secret, other])
    expect(resolved({ secret: '' }, env, secret)).toEqual([other, secret])
    expect(resolved({}, {}, secret)).toEqual([secret])
  })

  test('that is missing, blank or none is refused, and never shown', () => {
    expect(resolved({})).toMatch(/^destinations\.billing\.secret: BILLING_DESTINATION_SECRET is not set/)
    expect(resolved({}, { BILLING_DESTINATION_SECRET: ' ' })).toMatch(/is blank/)
    const short = 'whsec_c2hvcnQtc2VjcmV0'
    expect(resolved({}, { BILLING_DESTINATION_SECRET: short })).toMatch(
      /^destinations\.billing\.secret: BILLING_DESTINATION_SECRET is no secret.*openssl rand/,
    )
    expect(resolved({ secret: 'not base64!' })).toMatch(/^destinations\.billing\.secret: /)
    expect(
      `${String(resolved({ secret: short }))}${String(resolved({ secret: 'not base64!' }))}`,
    ).not.toMatch(/c2hvcnQ|not base64!/)
  })

  test('is wanted in development for those that have none', () => {
    const destinations = { a: { url }, b: { url, secret }, 'c-d': { url } }
    expect(destinationsWithoutSecret(destinations, { C_D_DESTINATION_SECRET: secret })).toEqual(['a'])
  })
})

describe('an address', () => {
  const whole = { secret }
  test('that is not on the internet is refused, unless its network is allowed', () => {
    expect(resolved({ ...whole, url: 'https://10.0.0.1/' })).toMatch(
      /\.url: 10\.0\.0\.1 is not on the public/,
    )
    expect(resolved({ ...whole, url: 'https://0x7f.1/' })).toMatch(/\.url: 127\.0\.0\.1 is not on the public/)
    expect(resolved({ ...whole, url: 'https://[::1]/' })).toMatch(/\.url: ::1 is not on the public/)
    expect(resolved({ ...whole, url: 'https://10.0.0.1/', allowNetworks: ['10.0.0.0/8'] })).toEqual([secret])
  })

  test('is sent to without TLS only inside', () => {
    expect(resolved({ ...whole, url: 'http://billing.example/' })).toMatch(
      /\.url: http goes only into a network/,
    )
    expect(resolved({ ...whole, url: 'http://1.1.1.1/', allowNetworks: ['10.0.0.0/8'] })).toMatch(/use https/)
    expect(resolved({ ...whole, url: 'http://billing.internal/', allowNetworks: ['10.0.0.0/8'] })).toEqual([
      secret,
    ])
  })

  test('may be this machine in development', () => {
    expect(resolved({ ...whole, url: 'http://127.0.0.1:8080/' }, {}, secret)).toEqual([secret])
    expect(resolved({ ...whole, url: 'http://localhost:8080/' }, {}, secret)).toEqual([secret])
    expect(resolved({ ...whole, url: 'http://localhost:8080/' })).toMatch(/use https/)
  })
})

test('a source that is not there is refused', () => {
  expect(resolved({ secret, from: [{ source: 'vastai' }, { source: 'stripe' }, { source: '*' }] })).toBe(
    "destinations.billing.from: 'stripe' is not one of the sources: vastai",
  )
})
