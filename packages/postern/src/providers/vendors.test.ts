import { execFileSync } from 'node:child_process'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { verify, type Source, type Verdict, type WebhookEvent } from '../core/index.ts'
import { verifyRequest } from '../core/verify.ts'
import { fingerprintOf } from '../inbox/index.ts'
import { newEvent } from '../receive/new-event.ts'
import type { On, Registration } from '../worker/index.ts'
import {
  CASTAI_NOTIFICATION_TEMPLATE,
  castaiNotifications,
  coreweaveAlerts,
  figma,
  providers,
  wandb,
  type CastaiNotification,
  type FigmaFileNotification,
  type FigmaNotification,
  type WandbPayload,
} from './index.ts'

const SECRET = 'a secret of the vendors, sent or signing'
const OLD = 'the secret before it, still taken'
const TOKEN = 'an access token, another secret'
const NOW_MS = 1_772_490_001_000
const NOW = '1772490001'
const now = (): number => NOW_MS

type Headers = Readonly<Record<string, string>>

function arrive(source: Source, headers: Headers, body: string | Uint8Array): Promise<Verdict> {
  return verify({ headers, body: Buffer.from(body) }, source, { now })
}

/** By the `openssl` command line, as the vendor's own script has it. */
function openssl(content: string | Uint8Array, secret = SECRET): Buffer {
  return execFileSync('openssl', ['dgst', '-sha256', '-hmac', secret, '-binary'], { input: content })
}

function opensslDigest(content: string): string {
  return execFileSync('openssl', ['dgst', '-sha256', '-binary'], { input: content }).toString('hex')
}

/** The keys the store would know the event by. */
function keysOf(source: Source, headers: Headers, body: string): unknown {
  const request = {
    method: 'POST',
    url: '',
    headers: Object.entries(headers).flat(),
    body: Buffer.from(body),
  }
  const verified = verifyRequest(request, source, NOW_MS)
  if (!verified.ok) throw new Error(verified.reason)
  return fingerprintOf(newEvent('s', source, verified.request, verified, [])).records
}

describe('Cast AI notifications', () => {
  const source = castaiNotifications({ secret: SECRET })
  const own = { 'X-Webhook-Secret': SECRET }

  /** The template as Go's text/template renders it: every variable replaced, nothing escaped. */
  function rendered(values: Readonly<Record<string, string>> = {}): string {
    const variables: Readonly<Record<string, string>> = {
      '.NotificationID': '8d5fda2e-8a8b-4f0c-9d1e-0f8a2b6c7d11',
      '.Severity': 'Critical',
      '.Name': 'Cluster controller not responding',
      '.Message': 'The controller has not reported for 10 minutes',
      '.OrganizationID': 'org-1',
      'toISO8601 .Timestamp': '2026-03-02T22:20:00Z',
      '.Cluster.ID': 'cluster-1',
      '.Cluster.Name': 'production',
      '.Cluster.ProviderType': 'eks',
      'toJSON .Details': '{"reason":"timeout"}',
      ...values,
    }
    return CASTAI_NOTIFICATION_TEMPLATE.replaceAll(/\{\{ (.*?) \}\}/g, (_, name: string) => {
      const value = variables[name]
      if (value === undefined) throw new Error(`the template uses ${name}, which is not documented`)
      return value
    })
  }

  it('are read from a rendering of the template', async () => {
    expect(await arrive(source, own, rendered())).toMatchObject({
      ok: true,
      scheme: 'castai-header',
      event: {
        id: '8d5fda2e-8a8b-4f0c-9d1e-0f8a2b6c7d11',
        type: 'castai.notification',
        created: new Date('2026-03-02T22:20:00Z'),
        data: { severity: 'Critical', cluster: { id: 'cluster-1' }, details: { reason: 'timeout' } },
      },
    })
  })

  it('are in order for each cluster, and in none without one', () => {
    const orderingKey = (body: string): unknown => {
      const request = {
        method: 'POST',
        url: '',
        headers: Object.entries(own).flat(),
        body: Buffer.from(body),
      }
      const verified = verifyRequest(request, source, NOW_MS)
      return verified.ok && verified.read.orderingKey
    }
    expect(orderingKey(rendered())).toBe('cluster-1')
    expect(orderingKey(rendered({ '.Cluster.ID': '' }))).toBeUndefined()
  })

  it.each([
    ['a quotation mark in the message', rendered({ '.Message': 'pod "web" failed' })],
    ["the trailing comma of the vendor's own example", '{"routing_key":"x","payload":{"summary":"s",},}'],
    ['no JSON at all', 'Cluster controller not responding'],
    ['nothing', ''],
    ['JSON that is no object', '"text"'],
    ['null', 'null'],
  ])('are kept although malformed: %s', async (_, body) => {
    const verdict = await arrive(source, own, body)
    expect(verdict).toMatchObject({
      ok: true,
      event: { id: `sha256:${opensslDigest(body)}`, type: 'unknown', data: undefined, created: undefined },
    })
    expect(verdict.ok && Buffer.from(verdict.event.body).toString()).toBe(body)
  })

  it('take the type of the template where a template of your own has none, and the digest for an id', async () => {
    const body = '{"text":"Pending pod detected"}'
    expect(await arrive(source, own, body)).toMatchObject({
      ok: true,
      event: {
        id: `sha256:${opensslDigest(body)}`,
        type: 'castai.notification',
        data: { text: 'Pending pod detected' },
      },
    })
  })

  it('take id and type from where a template of your own has them', async () => {
    const theirs = castaiNotifications({ secret: SECRET, id: ['meta', 'uuid'], type: ['meta', 'kind'] })
    const body = '{"meta":{"uuid":"n-1","kind":"pod"},"id":"not this one"}'
    expect(await arrive(theirs, own, body)).toMatchObject({ ok: true, event: { id: 'n-1', type: 'pod' } })
  })

  it('take the header of your choice, in any case, alone or after a word', async () => {
    const chosen = castaiNotifications({ secret: SECRET, header: 'X-My-Key' })
    expect(await arrive(chosen, { 'x-mY-kEY': SECRET }, rendered())).toMatchObject({ ok: true })
    expect(await arrive(chosen, own, rendered())).toEqual({ ok: false, reason: 'missing_header' })
    const bearer = castaiNotifications({ secret: SECRET, header: 'Authorization', authScheme: 'Bearer' })
    expect(await arrive(bearer, { authorization: `bearer ${SECRET}` }, rendered())).toMatchObject({
      ok: true,
    })
    expect(await arrive(bearer, { authorization: `Bearer ${SECRET.toUpperCase()}` }, rendered())).toEqual({
      ok: false,
      reason: 'secret_mismatch',
    })
  })

  it('are refused with a header that no request has', () => {
    expect(() => castaiNotifications({ secret: SECRET, header: 'x: y' })).toThrow(
      /header must be a header's name/,
    )
  })
})

describe('CoreWeave Alerts', () => {
  const body = '{"subject":"Test Notification"}'
  const at = (
    header: string,
    signature: Buffer,
    text = (bytes: Buffer): string => bytes.toString('hex'),
  ): Headers => ({
    [header]: text(signature),
  })

  it.each([
    ['hex', {}, (bytes: Buffer) => bytes.toString('hex')],
    ['base64', { encoding: 'base64' }, (bytes: Buffer) => bytes.toString('base64')],
    ['a prefix', { prefix: 'v1=' }, (bytes: Buffer) => `v1=${bytes.toString('hex')}`],
    [
      'a prefix and base64',
      { prefix: 'sha256=', encoding: 'base64' },
      (bytes: Buffer) => `sha256=${bytes.toString('base64')}`,
    ],
  ] as const)('are verified as you say: %s', async (_, format, text) => {
    const source = coreweaveAlerts({ secret: SECRET, header: 'X-Seen', ...format })
    expect(await arrive(source, at('X-Seen', openssl(body), text), body)).toMatchObject({ ok: true })
    expect(await arrive(source, at('X-Seen', openssl(`${body} `), text), body)).toEqual({
      ok: false,
      reason: 'signature_mismatch',
    })
  })

  it.each([
    ['seconds', undefined, NOW],
    ['milliseconds', 'milliseconds', String(NOW_MS)],
    ['rfc3339', 'rfc3339', '2026-03-02T22:20:01Z'],
  ] as const)('are held against the clock where a time is signed: %s', async (_, unit, written) => {
    const timestamp = { header: 'X-Time', ...(unit && { unit }) }
    const source = coreweaveAlerts({ secret: SECRET, header: 'X-Seen', timestamp })
    const headers = { 'x-time': written, ...at('x-seen', openssl(`${written}.${body}`)) }
    expect(await arrive(source, headers, body)).toMatchObject({ ok: true })
    const late = { now: () => NOW_MS + 301_000 }
    expect(await verify({ headers, body: Buffer.from(body) }, source, late)).toEqual({
      ok: false,
      reason: 'stale',
    })
    expect(await arrive(source, at('x-seen', openssl(body)), body)).toEqual({
      ok: false,
      reason: 'missing_header',
    })
  })

  it('are refused as a configuration where a time is not signed, or is signed and stands nowhere', () => {
    const format = { secret: SECRET, header: 'x-seen' }
    expect(() => coreweaveAlerts({ ...format, content: 'body', timestamp: { header: 'x-time' } })).toThrow(
      /renew it/,
    )
    expect(() => coreweaveAlerts({ ...format, content: 'timestamp.body' })).toThrow(/stands nowhere/)
  })

  it('have the digest for an id and no type, until you say where they are', async () => {
    const alert = '{"id":"alert-1","status":"firing","alertName":"GPU"}'
    const headers = at('x-seen', openssl(alert))
    expect(await arrive(coreweaveAlerts({ secret: SECRET, header: 'x-seen' }), headers, alert)).toMatchObject(
      {
        ok: true,
        event: { id: `sha256:${opensslDigest(alert)}`, type: 'unknown', data: { alertName: 'GPU' } },
      },
    )
    const told = coreweaveAlerts({ secret: SECRET, header: 'x-seen', id: ['id'], type: ['alertName'] })
    expect(await arrive(told, headers, alert)).toMatchObject({
      ok: true,
      event: { id: 'alert-1', type: 'GPU' },
    })
    const toldOfIds = coreweaveAlerts({ secret: SECRET, header: 'x-seen', id: ['id'] })
    expect(await arrive(toldOfIds, headers, alert)).toMatchObject({
      event: { id: 'alert-1', type: 'unknown' },
    })
  })

  it('are kept whatever their body is, since nobody says', async () => {
    const text = 'alert=GPU&status=firing'
    const source = coreweaveAlerts({ secret: SECRET, header: 'x-seen' })
    expect(await arrive(source, at('x-seen', openssl(text)), text)).toMatchObject({
      ok: true,
      event: { type: 'unknown', data: undefined },
    })
  })

  it('claim no more than their public text says', () => {
    const own = providers.find(({ name }) => name === 'coreweave-alerts')
    expect(own?.undocumented).toEqual(
      expect.arrayContaining([expect.stringMatching(/header/), expect.stringMatching(/signed/)]),
    )
  })
})

describe('W&B automations', () => {
  const body =
    '{"event_type":"LINK_ARTIFACT","event_author":"ada","artifact_version_string":"team/project/model:v3"}'
  const bearer = { Authorization: `Bearer ${TOKEN}` }
  const signed = (text: (bytes: Buffer) => string, content = body): Headers => ({
    'X-Wandb-Signature': text(openssl(content)),
  })
  const forms: readonly [string, (bytes: Buffer) => string][] = [
    ['wandb-signature-base64', (bytes) => bytes.toString('base64')],
    ['wandb-signature-hex', (bytes) => bytes.toString('hex')],
    ['wandb-signature-sha256-hex', (bytes) => `sha256=${bytes.toString('hex')}`],
  ]

  it.each(forms)('verify by the signature alone: %s', async (scheme, text) => {
    const source = wandb({ secret: SECRET })
    expect(await arrive(source, signed(text), body)).toMatchObject({
      ok: true,
      scheme,
      event: {
        id: `sha256:${opensslDigest(body)}`,
        type: 'LINK_ARTIFACT',
        data: JSON.parse(body) as unknown,
      },
    })
    expect(await arrive(source, signed(text, `${body}\n`), body)).toMatchObject({
      reason: 'signature_mismatch',
    })
    expect(await arrive(source, bearer, body)).toMatchObject({ reason: 'missing_header' })
  })

  it('verify by the access token alone', async () => {
    const source = wandb({ accessToken: [TOKEN, OLD] })
    expect(await arrive(source, bearer, body)).toMatchObject({
      ok: true,
      scheme: 'wandb-access-token',
      secretIndex: 0,
    })
    expect(await arrive(source, { authorization: `BEARER ${OLD}` }, body)).toMatchObject({
      ok: true,
      secretIndex: 1,
    })
    expect(await arrive(source, { authorization: `Bearer ${SECRET}` }, body)).toMatchObject({
      reason: 'secret_mismatch',
    })
    expect(await arrive(source, signed(forms[0]![1]), body)).toMatchObject({ reason: 'missing_header' })
    expect(source.warnings).toEqual([expect.stringMatching(/none is signed/)])
  })

  it.each(forms)('must have both where both are set: %s', async (scheme, text) => {
    const source = wandb({ secret: [SECRET, OLD], accessToken: TOKEN })
    const both = { ...bearer, ...signed(text) }
    expect(await arrive(source, both, body)).toMatchObject({
      ok: true,
      scheme: `${scheme}+wandb-access-token`,
    })
    expect(await arrive(source, bearer, body)).toMatchObject({ ok: false })
    expect(await arrive(source, signed(text), body)).toMatchObject({ ok: false })
    expect(await arrive(source, { ...both, Authorization: 'Bearer x' }, body)).toMatchObject({ ok: false })
    expect(
      await arrive(source, { ...both, 'X-Wandb-Signature': text(Buffer.alloc(32)) }, body),
    ).toMatchObject({ ok: false })
    expect(source.warnings).toEqual([])
  })

  it('do not take one text for both secrets', () => {
    expect(() => wandb({ secret: SECRET, accessToken: SECRET })).toThrow(/same secret/)
  })

  it('take id and type from the payload, at its usual places or at yours', async () => {
    const usual = '{"id":"run-1","event_type":"RUN_STATE"}'
    const theirs = '{"run":{"id":"run-2"},"kind":"done"}'
    const own = wandb({ secret: SECRET, id: ['run', 'id'], type: ['kind'] })
    expect(await arrive(wandb({ secret: SECRET }), signed(forms[1]![1], usual), usual)).toMatchObject({
      event: { id: 'run-1', type: 'RUN_STATE' },
    })
    expect(await arrive(own, signed(forms[1]![1], theirs), theirs)).toMatchObject({
      event: { id: 'run-2', type: 'done' },
    })
  })

  it('are refused where they are no JSON, as most are', async () => {
    expect(await arrive(wandb({ secret: SECRET }), signed(forms[0]![1], '{"a":}'), '{"a":}')).toEqual({
      ok: false,
      reason: 'malformed_body',
    })
  })
})

describe('Figma', () => {
  /** The documented sample, with the passcode of the test. */
  const fileUpdate = (passcode: string): string => `{
    "event_type": "FILE_UPDATE",
    "file_key": "CL06nJNn5eZLQKDoARMND5",
    "file_name": "Developer page mockup demo",
    "passcode": ${JSON.stringify(passcode)},
    "timestamp": "2020-02-23T20:27:16Z",
    "webhook_id": "22"
  }`
  const ping = `{"event_type":"PING","passcode":"${SECRET}","timestamp":"2020-02-23T20:27:16Z","webhook_id":"22"}`
  const source = figma({ secret: [SECRET, OLD] })

  it('sends the documented event, which is read without its passcode', async () => {
    const verdict = await arrive(source, {}, fileUpdate(SECRET))
    expect(verdict).toMatchObject({
      ok: true,
      scheme: 'figma-passcode',
      secretIndex: 0,
      event: {
        id: '["22","FILE_UPDATE","CL06nJNn5eZLQKDoARMND5","2020-02-23T20:27:16Z"]',
        type: 'FILE_UPDATE',
        created: new Date('2020-02-23T20:27:16Z'),
        data: { file_name: 'Developer page mockup demo', passcode: '[redacted]' },
      },
    })
    expect(verdict.ok && Buffer.from(verdict.event.body).toString()).toBe(fileUpdate('[redacted]'))
  })

  it('sends a PING, which is about no file', async () => {
    expect(await arrive(source, {}, ping)).toMatchObject({
      ok: true,
      event: { id: '["22","PING","2020-02-23T20:27:16Z"]', type: 'PING' },
    })
  })

  it('may send the id of the webhook as a number, as it is documented', async () => {
    expect(await arrive(source, {}, ping.replace('"22"', '22'))).toMatchObject({
      event: { id: '["22","PING","2020-02-23T20:27:16Z"]' },
    })
  })

  it('sends two comments of one second as two events', async () => {
    const comment = (id: string): string =>
      fileUpdate(SECRET).replace('FILE_UPDATE', 'FILE_COMMENT').replace('{', `{"comment_id":"${id}",`)
    expect(keysOf(source, {}, comment('1'))).not.toEqual(keysOf(source, {}, comment('2')))
  })

  it('is in order for each file', () => {
    const read = (body: string): unknown => {
      const verified = verifyRequest(
        { method: 'POST', url: '', headers: [], body: Buffer.from(body) },
        source,
        NOW_MS,
      )
      return verified.ok && verified.read.orderingKey
    }
    expect([read(fileUpdate(SECRET)), read(ping)]).toEqual(['CL06nJNn5eZLQKDoARMND5', undefined])
  })

  it('sends one event under either passcode while one is changed', async () => {
    expect(await arrive(source, {}, fileUpdate(OLD))).toMatchObject({ ok: true, secretIndex: 1 })
    expect(keysOf(source, {}, fileUpdate(OLD))).toEqual(keysOf(source, {}, fileUpdate(SECRET)))
  })

  it.each([
    ['another', fileUpdate('wrong'), 'secret_mismatch'],
    ['none', fileUpdate(SECRET).replace('passcode', 'password'), 'missing_secret'],
    ['two', ping.replace('{', `{"passcode":"${SECRET}",`), 'duplicate_secret'],
    ['one that is no text', ping.replace(`"${SECRET}"`, '{}'), 'missing_secret'],
  ])('is refused with %s', async (_, body, reason) => {
    expect(await arrive(source, {}, body)).toEqual({ ok: false, reason })
  })
})

describe('a provider with a function of its own', () => {
  it('has options that it does not know refused', () => {
    const options = { secret: SECRET, header: 'x' } as object
    for (const make of [figma, wandb]) expect(() => make(options)).toThrow(/unknown option 'header'/)
  })
})

type Configured = {
  readonly cast: ReturnType<typeof castaiNotifications>
  readonly alerts: ReturnType<typeof coreweaveAlerts>
  readonly runs: ReturnType<typeof wandb>
  readonly files: ReturnType<typeof figma>
}

/** Only its type matters here. */
const on: On<Configured> = (source, type, handler) =>
  ({ source, type, handler, destination: 'handlers' }) as unknown as Registration

describe('handlers are typed', () => {
  it('by the vendor and the type', () => {
    on('cast', 'castai.notification', (event) => {
      expectTypeOf(event).toEqualTypeOf<WebhookEvent<'castai.notification', CastaiNotification>>()
    })
    on('cast', 'unknown', (event) => expectTypeOf(event.data).toEqualTypeOf<undefined>())
    on('alerts', 'GPU', (event) => expectTypeOf(event.data).toEqualTypeOf<unknown>())
    on('runs', 'LINK_ARTIFACT', (event) => expectTypeOf(event.data).toEqualTypeOf<WandbPayload>())
    on('files', 'PING', (event) => expectTypeOf(event.data).toEqualTypeOf<FigmaNotification>())
    on('files', 'FILE_UPDATE', (event) => expectTypeOf(event.data).toEqualTypeOf<FigmaFileNotification>())
    expect.assertions(0)
  })
})
