/**
 * The vendors' own webhooks, over HTTP and SQLite: their documented samples with credentials made by hand or by openssl,
 * what each answers, and that no secret that a request carries stays anywhere.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Source, WebhookEvent } from 'postern'
import { castai, castaiNotifications, coreweaveAlerts, custom, figma, vastai, wandb } from 'postern/providers'
import { describe, expect, test } from 'vitest'
import {
  expectDuplicate,
  expectExactly,
  expectMalformed,
  expectNotAuthentic,
  expectReceived,
  expectUnavailable,
  keptRejections,
} from '../support/expectations.ts'
import {
  replacing,
  startInbox,
  tempFolder,
  type Inbox,
  type InboxOptions,
  type Skin,
} from '../support/inbox.ts'
import { opensslHmac } from '../support/openssl.ts'
import { adding, SECRET, seedEvent, without, type Outgoing } from '../support/requests.ts'

const PASSCODE = 'figma-passcode-5d1c7a'
const OLD_PASSCODE = 'figma-passcode-of-last-month'
const CAST_SECRET = 'castai-header-b02f99e4'
const CAST_OLD_SECRET = 'castai-header-of-last-month'
const WANDB_SECRET = 'wandb-signing-7c1e55aa'
const WANDB_TOKEN = 'wandb-access-token-03be61'
const ALERT_SECRET = 'coreweave-signing-e8a41b'
const PLAIN_SECRET = 'plain-header-secret-94cd10'
const NO_BASIC = 'user:basic-password-c81f'

const sources: Readonly<Record<string, Source>> = {
  vastai: vastai({ secret: SECRET }),
  'castai-notifications': castaiNotifications({
    secret: [CAST_SECRET, CAST_OLD_SECRET],
    header: 'X-Cast-Key',
  }),
  'coreweave-alerts': coreweaveAlerts({ secret: ALERT_SECRET, header: 'X-Seen', prefix: 'sha256=' }),
  wandb: wandb({ secret: WANDB_SECRET, accessToken: WANDB_TOKEN }),
  figma: figma({ secret: [PASSCODE, OLD_PASSCODE] }),
  plain: custom({
    secret: PLAIN_SECRET,
    scheme: { algorithm: 'static-secret', secret: { header: 'x-plain' } },
    envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
  }),
  basic: custom({
    secret: NO_BASIC,
    scheme: {
      algorithm: 'static-secret',
      secret: { header: 'authorization', authScheme: 'Basic', encoding: 'base64' },
    },
    envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
  }),
}

const TYPES = ['castai.notification', 'unknown', 'LINK_ARTIFACT', 'FILE_UPDATE', 'PING', 't']

/** A POST with these headers, and no others but those that HTTP needs. */
function post(source: string, headers: Outgoing['headers'], body: string | Uint8Array): Outgoing {
  return { method: 'POST', path: `/webhooks/${source}`, headers, body: Buffer.from(body) }
}

/** The sample in Figma's documentation, with a passcode. */
function figmaSample(passcode: string = JSON.stringify(PASSCODE)): string {
  return `{ "event_type":"FILE_UPDATE", "file_key":"CL06nJNn5eZLQKDoARMND5", "file_name":"Developer page mockup demo",
  "passcode":${passcode}, "timestamp":"2020-02-23T20:27:16Z", "webhook_id":"22" }`
}

function fromFigma(body: string = figmaSample()): Outgoing {
  return post('figma', [['Content-Type', 'application/json']], body)
}

const CAST_BODY =
  '{"id":"8d5fda2e","type":"castai.notification","severity":"Critical","name":"Cluster controller not responding","created":"2026-03-02T22:20:00Z","cluster":{"id":"c-1"},"details":{}}'

function fromCast(body: string = CAST_BODY, further: Outgoing['headers'] = []): Outgoing {
  return post('castai-notifications', [['X-Cast-Key', CAST_SECRET], ...further], body)
}

const WANDB_BODY = '{"event_type":"LINK_ARTIFACT","event_author":"ada","artifact_version":"v3"}'

function fromWandb(body: string = WANDB_BODY): Outgoing {
  const signature = Buffer.from(opensslHmac(WANDB_SECRET, body), 'hex').toString('base64')
  return post(
    'wandb',
    [
      ['Authorization', `Bearer ${WANDB_TOKEN}`],
      ['X-Wandb-Signature', signature],
    ],
    body,
  )
}

function fromCoreweave(body: string): Outgoing {
  return post('coreweave-alerts', [['X-Seen', `sha256=${opensslHmac(ALERT_SECRET, body)}`]], body)
}

/** An inbox with all of them, and what its handlers were given. */
async function start(
  options: InboxOptions = {},
): Promise<{ readonly inbox: Inbox; readonly given: WebhookEvent[] }> {
  const given: WebhookEvent[] = []
  const handler: InboxOptions['handler'] = (event) => void given.push(event)
  return { inbox: await startInbox({ sources, types: TYPES, handler, ...options }), given }
}

describe.each<Skin>(['node:http', 'Express', 'fetch'])('on %s', (skin) => {
  test("Figma's documented event is stored and handled without its passcode, and else byte for byte", async () => {
    const { inbox, given } = await start({ skin })
    expectReceived(await inbox.send(fromFigma()))
    await inbox.postern.drain()
    expect(given).toMatchObject([{ type: 'FILE_UPDATE', data: { file_key: 'CL06nJNn5eZLQKDoARMND5' } }])
    expect(Buffer.from(given[0]!.body).toString()).toBe(figmaSample('"[redacted]"'))
    expectDuplicate(await inbox.send(fromFigma()))
    expectDuplicate(await inbox.send(fromFigma(figmaSample(JSON.stringify(OLD_PASSCODE)))))
  })

  test.each([
    ['a wrong passcode', figmaSample('"wrong"')],
    ['no passcode', figmaSample('""')],
    ['a number', figmaSample('5')],
    ['a passcode in capitals', figmaSample(JSON.stringify(PASSCODE.toUpperCase()))],
    ['a passcode of 64 KB', figmaSample(JSON.stringify(PASSCODE + 'x'.repeat(65_536)))],
    ['a passcode with a NUL', figmaSample(`"${PASSCODE}\\u0000"`)],
    ['two passcodes', figmaSample().replace('{', `{"passcode":"${PASSCODE}",`)],
    ['the passcode in another object', `{"event_type":"PING","data":{"passcode":"${PASSCODE}"}}`],
    ['the passcode under __proto__', `{"event_type":"PING","__proto__":{"passcode":"${PASSCODE}"}}`],
    ['a list', `[${figmaSample()}]`],
    ['a text', JSON.stringify(PASSCODE)],
    ['a body that is cut short', figmaSample().slice(0, -1)],
    ['nothing', ''],
  ])('%s is answered 400, which makes Figma stop, and is not stored', async (_what, body) => {
    const { inbox } = await start({ skin })
    expectExactly(await inbox.send(fromFigma(body)), 400, '{"error":"Invalid signature"}')
    expect(await inbox.events()).toEqual([])
    expect(await keptRejections(inbox)).toEqual([])
    expectNoSecret(inbox.occurrences)
  })

  test.each([
    ['no content type', []],
    ['the type of unknown bytes', [['Content-Type', 'application/octet-stream']]],
    ['plain text', [['Content-Type', 'text/plain; charset=latin1']]],
    ['JSON', [['Content-Type', 'application/json']]],
  ] as const)("Cast AI's notification is taken with %s", async (_what, further) => {
    const { inbox, given } = await start({ skin })
    expectReceived(await inbox.send(fromCast(CAST_BODY, further)))
    await inbox.postern.drain()
    expect(given).toMatchObject([
      { id: '8d5fda2e', type: 'castai.notification', data: { cluster: { id: 'c-1' } } },
    ])
  })

  test("Cast AI's malformed body is kept as an event, handled by its bytes, and once only", async () => {
    const { inbox, given } = await start({ skin })
    const malformed = `${CAST_BODY.slice(0, -1)},"message":"pod "web" failed",}`
    expectReceived(await inbox.send(fromCast(malformed)))
    expectDuplicate(await inbox.send(fromCast(malformed)))
    await inbox.postern.drain()
    expect(given).toMatchObject([
      { type: 'unknown', id: expect.stringMatching(/^sha256:/) as unknown, data: undefined },
    ])
    expect(Buffer.from(given[0]!.body).toString()).toBe(malformed)
  })

  test.each([
    ['another secret', [['X-Cast-Key', 'another']]],
    ['an empty one', [['X-Cast-Key', '']]],
    ['none', []],
    [
      'two',
      [
        ['X-Cast-Key', CAST_SECRET],
        ['x-cast-key', CAST_SECRET],
      ],
    ],
    ['the secret in another header', [['X-Other-Key', CAST_SECRET]]],
    ['the secret and more', [['X-Cast-Key', `${CAST_SECRET}, x`]]],
  ] as const)("Cast AI's notification with %s is answered 401 and not stored", async (_what, headers) => {
    const { inbox } = await start({ skin })
    expectNotAuthentic(await inbox.send(post('castai-notifications', headers, CAST_BODY)))
    expect(await inbox.events()).toEqual([])
    expectNoSecret(inbox.occurrences)
  })

  test('an automation of W&B needs both of the secrets that are set', async () => {
    const { inbox, given } = await start({ skin })
    expectReceived(await inbox.send(fromWandb()))
    expectNotAuthentic(await inbox.send(without(fromWandb('{"event_type":"A"}'), 'authorization')))
    expectNotAuthentic(await inbox.send(without(fromWandb('{"event_type":"B"}'), 'x-wandb-signature')))
    expectMalformed(await inbox.send(fromWandb('{"event_type":}')))
    await inbox.postern.drain()
    expect(given).toMatchObject([{ type: 'LINK_ARTIFACT', data: { artifact_version: 'v3' } }])
    expect(await keptRejections(inbox)).toEqual([{ reason: 'malformed_body', body: '{"event_type":}' }])
  })

  test('an alert of CoreWeave is verified as it was configured', async () => {
    const { inbox, given } = await start({ skin })
    expectReceived(await inbox.send(fromCoreweave('{"subject":"Test Notification"}')))
    expectReceived(await inbox.send(fromCoreweave('not JSON')))
    expectNotAuthentic(await inbox.send({ ...fromCoreweave('{}'), body: Buffer.from('{ }') }))
    await inbox.postern.drain()
    expect(given.map(({ type, data }) => [type, data])).toEqual([
      ['unknown', { subject: 'Test Notification' }],
      ['unknown', undefined],
    ])
  })

  test('nothing that a request carries as its secret is anywhere afterwards', async () => {
    const folder = tempFolder()
    const { inbox, given } = await start({ skin, folder })
    const basic = Buffer.from(NO_BASIC).toString('base64')
    const requests = [
      fromFigma(),
      fromFigma(figmaSample(JSON.stringify(OLD_PASSCODE)).replace('22', '23')),
      fromFigma(figmaSample(`"${PASSCODE.replaceAll('a', '\\u0061')}"`).replace('22', '24')),
      fromFigma(figmaSample().replace('passcode', 'Passcode')),
      fromFigma(figmaSample().slice(0, -1)),
      fromCast(),
      fromCast(`${CAST_BODY},`),
      post('castai-notifications', [['x-cast-key', CAST_OLD_SECRET]], '{"id":"2"}'),
      post('castai-notifications', [['X-Cast-Kye', CAST_SECRET]], CAST_BODY),
      post('castai-notifications', [], `{"secret":"${CAST_SECRET}"}`),
      fromWandb(),
      without(fromWandb('{"event_type":"x"}'), 'x-wandb-signature'),
      fromWandb('{"event_type":}'),
      post('plain', [['X-Plain', PLAIN_SECRET]], '{"id":"1","type":"t"}'),
      post('plain', [['X-PLAIN', PLAIN_SECRET]], 'no JSON, so that it goes to the rejected log'),
      post('basic', [['Authorization', `Basic ${basic}`]], '{"id":"1","type":"t"}'),
      { ...post('plain', [], '{}'), path: `/webhooks/plain?key=${PLAIN_SECRET}` },
      post('plain', [[PLAIN_SECRET, 'x-plain']], '{}'),
      post('castai-notifications', [[CAST_SECRET.toUpperCase(), '']], '{}'),
      post('basic', [NO_BASIC.split(':') as [string, string]], '{}'),
    ]
    const answers = []
    for (const request of requests) answers.push(await inbox.send(request))
    expect(answers.map(({ status }) => status)).toEqual([
      200, 200, 200, 400, 400, 200, 200, 200, 401, 401, 200, 401, 400, 200, 400, 200, 401, 401, 401, 401,
    ])
    await inbox.postern.drain()
    expect(given).toHaveLength(9)
    expect((await keptRejections(inbox)).map(({ body }) => body)).toEqual([
      'no JSON, so that it goes to the rejected log',
      '{"event_type":}',
    ])
    expectNoSecret(
      answers,
      inbox.logs,
      inbox.occurrences,
      given,
      (await inbox.store.rejected.list({ limit: 100 })).requests,
    )
    expectNoSecret(filesIn(folder))
    await inbox.stop()
    expectNoSecret(filesIn(folder))
  })
})

test('what is our own fault is never a 400, not for Figma either', async () => {
  const { inbox } = await start({
    sources: { figma: figma(), down: figma({ secret: PASSCODE }) },
    wrap: (store) => replacing(store, { put: () => Promise.reject(new Error('the disk is gone')) }),
    isQuiet: false,
  })
  expectUnavailable(await inbox.send(fromFigma()))
  expectUnavailable(await inbox.send({ ...fromFigma(), path: '/webhooks/down' }))
  expectExactly(
    await inbox.send({ ...fromFigma(figmaSample('"wrong"')), path: '/webhooks/down' }),
    400,
    '{"error":"Invalid signature"}',
  )
  expectNoSecret(inbox.logs, inbox.occurrences)
})

test('a header beside the chosen one is kept, and the chosen one is not', async () => {
  const { inbox } = await start()
  await inbox.send(adding(fromCast(), 'X-Cast-Keys', 'kept'))
  const found = await inbox.store.get(1)
  expect(found?.event.headers).toContain('kept')
  expect(found?.event.headers.map((text) => text.toLowerCase())).not.toContain('x-cast-key')
})

test("the sources of the template go on beside the vendor's own, each with a secret of its own", async () => {
  const { inbox } = await start({
    sources: { castai: castai({ secret: SECRET }), 'castai-notifications': sources['castai-notifications']! },
    types: ['resource.created', 'castai.notification'],
  })
  expectReceived(await inbox.send(seedEvent('evt_1', {}, { vendor: 'castai' })))
  expectReceived(await inbox.send(fromCast()))
  expectNotAuthentic(await inbox.send({ ...fromCast(), path: '/webhooks/castai' }))
  expectNotAuthentic(
    await inbox.send({
      ...seedEvent('evt_2', {}, { vendor: 'castai' }),
      path: '/webhooks/castai-notifications',
    }),
  )
})

test('a secret that is sent as it is and signs elsewhere keeps the inbox from starting', async () => {
  const shared = { castai: castai({ secret: SECRET }), figma: figma({ secret: ['another', SECRET] }) }
  await expect(startInbox({ sources: shared })).rejects.toMatchObject({
    code: 'bad_config',
    message: expect.stringMatching(/castai and figma have the same secret/) as unknown,
  })
})

test('a static secret is warned of at the start', async () => {
  const { inbox } = await start()
  const warned = inbox.logs.filter(({ message }) => message.includes('none is signed'))
  expect(warned.map(({ level, message }) => `${level} ${message.split(':')[0]}`)).toEqual([
    'warn sources.castai-notifications',
    'warn sources.figma',
    'warn sources.plain',
    'warn sources.basic',
  ])
})

const SECRETS = [
  PASSCODE,
  OLD_PASSCODE,
  CAST_SECRET,
  CAST_OLD_SECRET,
  WANDB_SECRET,
  WANDB_TOKEN,
  ALERT_SECRET,
  PLAIN_SECRET,
  NO_BASIC,
]

/** In plain, in base64, and behind JSON's escapes. */
function expectNoSecret(...things: readonly unknown[]): void {
  const text = things.map(textOf).join('\n')
  for (const secret of SECRETS) {
    expect(text).not.toContain(secret)
    expect(text).not.toContain(Buffer.from(secret).toString('base64'))
    expect(text).not.toContain(secret.replaceAll('a', '\\u0061'))
  }
}

/** Everything in it, with bytes as text. */
function textOf(thing: unknown): string {
  if (typeof thing === 'string') return thing
  if (thing instanceof Uint8Array) return Buffer.from(thing).toString('latin1')
  if (thing instanceof Error) return `${thing.stack}`
  if (thing instanceof Map) return [...(thing as Map<unknown, unknown>)].map(textOf).join('\n')
  if (typeof thing !== 'object' || thing === null) return String(thing)
  // `headers` of a stored event is a getter.
  return Object.entries(thing)
    .map(([name, value]) => `${name}: ${textOf(value)}`)
    .join('\n')
}

/** The database, its log, and whatever else is there. */
function filesIn(folder: string): Buffer {
  const names = readdirSync(folder)
  expect(names).toContain('postern.db')
  return Buffer.concat(names.map((name) => readFileSync(join(folder, name))))
}
