import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { createPostern, sign } from 'postern'
import { memory } from 'postern/memory'
import { custom, discord, github, hubspot, square, standardWebhooks, stripe } from 'postern/providers'
import { header, NOW_SECONDS, SENDERS, SIGNATURE_HEADER, signed, withHeader } from './senders.mjs'

const ALL = ['standard', 'stripe', 'github']
const NOW_MS = NOW_SECONDS * 1000
const URL_SIGNED = 'https://shop.example/webhooks/square'
const sources = {
  standard: standardWebhooks({ secret: SENDERS.standard.secret }),
  stripe: stripe({ secret: SENDERS.stripe.secret }),
  github: github({ secret: SENDERS.github.secret }),
  other: github({ secret: 'the webhook secret of another repository' }),
  square: square({ secret: 'a signature key of Square', notificationUrl: URL_SIGNED }),
  hubspot: hubspot({ secret: 'a client secret of HubSpot' }),
  nameless: custom({
    secret: 'a secret, long enough',
    scheme: {
      name: 'body',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
      content: ['body'],
    },
    envelope: { id: [] },
  }),
}
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * What the whole inbox makes of requests that are sent one after another: how often each source's handler ran, for the
 * last of them. Nothing is to run for it.
 */
async function inbox(...requests) {
  const ran = []
  const names = Object.keys(sources)
  const postern = createPostern({
    store: memory({ now: () => NOW_MS }),
    sources,
    now: () => NOW_MS,
    log: SILENT,
    handlers: (on) => names.map((name) => on(name, '*', () => void ran.push(name))),
  })
  try {
    let before = 0
    let status = 0
    for (const request of requests) {
      const { to, path = `/webhooks/${to}`, headers, body } = request
      before = ran.length
      const response = await postern.fetch(
        new Request(`http://localhost${path}`, { method: 'POST', headers: pairs(headers), body }),
      )
      status = response.status
      await postern.drain()
      const isLast = request === requests.at(-1)
      if (!isLast && ran.length > before === (request.isForged ?? false))
        throw new Error('an earlier one should have run')
    }
    return ran.length > before ? 'ACCEPTED' : `nothing runs, ${status}`
  } finally {
    await postern.stop()
  }
}

/** A case that only something with a memory, or with a listener, can be tried with. */
const only = (what, ours) => ({ what, ours })

const githubRequest = signed('github', { body: Buffer.from('{"action":"opened"}') })
const otherBody = signed('github', { body: Buffer.from('{"action":"closed"}') })
const stripeRequest = signed('stripe')
const nameless = (() => {
  const body = Buffer.from('{"n":1}')
  return { body, headers: Object.entries(sign(sources.nameless, { body, nowMs: NOW_MS })).flat() }
})()
const squareRequest = (() => {
  const body = Buffer.from('{"event_id":"1","type":"payment.updated"}')
  const url = 'https://evil.example/webhooks/square'
  const signedElsewhere = square({ secret: 'a signature key of Square', notificationUrl: url })
  return { body, headers: Object.entries(sign(signedElsewhere, { body, nowMs: NOW_MS })).flat() }
})()
const hubspotRequest = (() => {
  const body = Buffer.from('[{"eventId":1}]')
  const url = 'https://app.example/webhooks/hubspot'
  return { body, headers: Object.entries(sign(sources.hubspot, { body, url, nowMs: NOW_MS })).flat() }
})()

export const INBOX_CASES = [
  {
    id: 'T3',
    title: 'A result that nobody looks at',
    note: 'In the inbox verification comes before handlers, and there is no result to drop. Functions that answer a boolean leave that to their caller.',
    inputs: ALL.map((sender) =>
      only(`a forged body at ${sender}, with a handler`, () =>
        inbox({ to: sender, ...signed(sender), body: Buffer.from('{"id":"evt_2","type":"evil"}') }),
      ),
    ),
  },
  {
    id: 'T13',
    title: 'A genuine request written in another way, as a second one',
    inputs: [
      ...[
        ['the signature in capitals', (value) => value.replace(/[0-9a-f]{64}/, (hex) => hex.toUpperCase())],
        ['a signature more', (value) => `${value},v1=${'0'.repeat(64)}`],
        ['another order of its fields', (value) => value.split(',').toReversed().join(',')],
        ['white space between its fields', (value) => value.replace(',', ' , ')],
      ].map(([what, change]) =>
        only(`Stripe’s with ${String(what)}`, () =>
          inbox(
            { to: 'stripe', ...stripeRequest },
            { to: 'stripe', ...withHeader(stripeRequest, 'stripe-signature', change) },
          ),
        ),
      ),
      only('with a query behind the path', () =>
        inbox(
          { to: 'stripe', ...stripeRequest },
          { to: 'stripe', path: '/webhooks/stripe?again=1', ...stripeRequest },
        ),
      ),
      only('its headers in another order and other capitals', () =>
        inbox({ to: 'standard', ...signed('standard') }, { to: 'standard', ...reversed(signed('standard')) }),
      ),
    ],
  },
  {
    id: 'T14',
    title: 'The same bytes twice, where the sender gives no id',
    inputs: [
      only('the same request', () => inbox({ to: 'nameless', ...nameless }, { to: 'nameless', ...nameless })),
      only('the same request with a header more', () =>
        inbox(
          { to: 'nameless', ...nameless },
          { to: 'nameless', body: nameless.body, headers: [...nameless.headers, 'x-request-id', 'r-2'] },
        ),
      ),
    ],
  },
  {
    id: 'T15',
    title: 'The same signed body under a fresh id that is not signed',
    inputs: [
      only('another X-GitHub-Delivery', () =>
        inbox(
          { to: 'github', ...githubRequest },
          { to: 'github', ...withHeader(githubRequest, 'x-github-delivery', 'd-2') },
        ),
      ),
      only('no X-GitHub-Delivery', () =>
        inbox(
          { to: 'github', ...githubRequest },
          { to: 'github', ...withHeader(githubRequest, 'x-github-delivery', undefined) },
        ),
      ),
      only('another event type too', () =>
        inbox(
          { to: 'github', ...githubRequest },
          {
            to: 'github',
            ...withHeader(
              withHeader(githubRequest, 'x-github-delivery', 'd-2'),
              'x-github-event',
              'workflow_run',
            ),
          },
        ),
      ),
    ],
  },
  {
    id: 'T16',
    title: 'An id that is taken before its event comes',
    inputs: [
      only('another body under an id that was seen: kept, flagged, and not run', () =>
        inbox({ to: 'github', ...githubRequest }, { to: 'github', ...otherBody }),
      ),
      only('a forged request with an id to come, which then still runs', async () => {
        const forged = { to: 'github', isForged: true, ...githubRequest, body: Buffer.from('{}') }
        const later = await inbox(forged, { to: 'github', ...githubRequest })
        return later === 'ACCEPTED' ? 'not taken: the genuine one runs' : `ACCEPTED: then ${later}`
      }),
    ],
  },
  {
    id: 'T17',
    title: 'A request of one source, sent to another',
    inputs: [
      only('to a source of the same provider with another secret', () =>
        inbox({ to: 'other', ...githubRequest }),
      ),
      only('to a source of another provider', () => inbox({ to: 'stripe', ...githubRequest })),
      ...ALL.map((sender) => ({
        what: 'verified with the secret of another source',
        sender,
        secret: `whsec_${Buffer.alloc(32, 9).toString('base64')}`,
        ...signed(sender),
      })),
    ],
  },
  {
    id: 'T20',
    title: 'A signature in a trailer',
    inputs: ALL.map((sender) => only(`${sender}, over a socket`, () => withTrailer(sender, signed(sender)))),
  },
  {
    id: 'T21',
    title: 'Headers of a proxy that change the URL which is signed',
    inputs: [
      only('Square’s of another URL, with that in X-Forwarded-*', () =>
        inbox({ to: 'square', ...forwardedFrom('evil.example', squareRequest) }),
      ),
      only('HubSpot’s of the right URL, sent to another, with the right one in X-Forwarded-*', () =>
        inbox({ to: 'hubspot', ...forwardedFrom('app.example', hubspotRequest) }),
      ),
    ],
  },
  {
    id: 'T22',
    title: 'Paths that are almost those of a source',
    inputs: [
      '/webhooks/Github',
      '/webhooks//github',
      '//webhooks/github',
      '/webhooks/github/',
      '/webhooks/github.',
      '/webhooks/github%2F',
      '/webhooks%2Fgithub',
      '/webhooks/git%68ub',
      '/webhooks/github;v=1',
      '/webhooks/other/..%2Fgithub',
      '/webhooks/__proto__',
      '/webhooks/constructor',
      '/webhooks/',
    ].map((path) => only(`\`${path}\``, () => inbox({ path, ...githubRequest }))),
  },
  {
    id: 'T23',
    title: 'A genuine request of another customer of the same sender',
    note: 'Where a sender signs for all of its customers with one key, no signature tells them apart: ask for a secret of your own, or look at the account in the event.',
    inputs: ALL.map((sender) => ({
      what: 'signed with the secret of another endpoint',
      sender,
      ...signed(sender, {
        key: sender === 'standard' ? Buffer.alloc(32, 8) : 'the secret of another endpoint',
      }),
    })),
  },
  {
    id: 'T24',
    title: 'A secret that was replaced',
    inputs: ALL.map((sender) => ({
      what: 'signed with the old secret, after it was taken away',
      sender,
      secret: `whsec_${Buffer.alloc(32, 10).toString('base64')}`,
      ...signed(sender),
    })),
  },
  {
    id: 'T27',
    title: '',
    inputs: [
      only('an HMAC by the public key, where Ed25519 is configured', async () => {
        const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
        const byHmac = custom({
          secret: publicKey,
          scheme: {
            name: 'confused',
            algorithm: 'hmac-sha512',
            key: { as: 'hex' },
            signature: { in: [{ header: 'x-signature-ed25519' }], encoding: 'hex' },
            timestamp: { in: { header: 'x-signature-timestamp' }, unit: 'seconds' },
            content: ['timestamp', 'body'],
          },
          envelope: { id: [] },
        })
        const body = Buffer.from('{"type":0}')
        const headers = sign(byHmac, { body, nowMs: NOW_MS })
        const { verify } = await import('postern')
        const verdict = await verify({ headers, body }, discord({ secret: publicKey }), { now: () => NOW_MS })
        return verdict.ok ? 'ACCEPTED' : `refused: ${verdict.reason}`
      }),
    ],
  },
]

function pairs(headers) {
  return Array.from({ length: headers.length / 2 }, (_, at) => [headers[2 * at], headers[2 * at + 1]])
}

function reversed(request) {
  const headers = pairs(request.headers).toReversed()
  return { ...request, headers: headers.flatMap(([name, value]) => [name.toUpperCase(), value]) }
}

function forwardedFrom(host, { headers, body }) {
  const forwarded = ['x-forwarded-proto', 'https', 'x-forwarded-host', host, 'x-forwarded-port', '443']
  return { body, headers: [...headers, ...forwarded, 'forwarded', `host=${host};proto=https`] }
}

/** A request over a socket whose signature comes behind the body. */
async function withTrailer(sender, request) {
  const ran = []
  const postern = createPostern({
    store: memory({ now: () => NOW_MS }),
    sources,
    now: () => NOW_MS,
    log: SILENT,
    handlers: (on) => [on(sender, '*', () => void ran.push(sender))],
  })
  const server = createServer((incoming, response) => void postern.node(incoming, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const name = SIGNATURE_HEADER[sender]
    const value = header(request, name)
    const others = pairs(withHeader(request, name, undefined).headers).map((pair) => `${pair.join(': ')}\r\n`)
    const socket = connect(server.address().port, '127.0.0.1')
    socket.write(
      `POST /webhooks/${sender} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${others.join('')}Trailer: ${name}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    socket.write(`${request.body.length.toString(16)}\r\n`)
    socket.write(request.body)
    socket.write(`\r\n0\r\n${name}: ${value}\r\n\r\n`)
    const [answer] = await once(socket, 'data')
    socket.destroy()
    await postern.drain()
    return ran.length > 0 ? 'ACCEPTED' : `nothing runs, ${/ (\d+)/.exec(String(answer))[1]}`
  } finally {
    server.closeAllConnections()
    server.close()
    await postern.stop()
  }
}
