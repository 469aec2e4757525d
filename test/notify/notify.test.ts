import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { memory } from 'postern/memory'
import { sqlite } from 'postern/sqlite'
import { standardWebhooks, vastai } from 'postern/providers'
import type { Logger, NewEvent, Sources } from 'postern'
import { Webhook as OfficialWebhook } from 'standardwebhooks'
import { describe, expect, onTestFinished, test } from 'vitest'
import { notifications, resolvedNotification } from '../../packages/gateway/src/notify/index.ts'
import { notify } from '../../packages/gateway/src/notify/notify.ts'
import type { Notification } from '../../packages/gateway/src/notify/notify-options.ts'
import type { Time } from '../../packages/gateway/src/forward/time.ts'
import { FakeTime } from '../support/fake-time.ts'
import {
  forwardingInbox,
  OWN_MACHINE,
  recordingTarget,
  SECRET,
  SOURCE_SECRET,
  storedEvent,
  until,
  type Forwarded,
} from '../support/forwarding.ts'
import { ChatStandIn, DISCORD_PATH, PAGERDUTY_PATH, ROUTING_KEY, SLACK_PATH } from './stand-ins.ts'

type Store = ReturnType<typeof memory>

interface Given {
  readonly notification: Notification
  readonly store?: Store
  readonly time?: Time
  readonly log?: Logger
}

/** An inbox whose one destination is `team`. */
function inboxWith({ notification, ...given }: Given): Promise<Forwarded> {
  const sources: Sources = { vastai: vastai({ secret: 'a signing secret, long enough' }) }
  const resolved = resolvedNotification('team', { ...notification, allowNetworks: OWN_MACHINE })
  const all = { shop: standardWebhooks({ secret: SOURCE_SECRET }), ...sources }
  return forwardingInbox({ destinations: {}, sources, others: notifications([resolved], all), ...given })
}

async function chat(): Promise<{ readonly chat: ChatStandIn; readonly at: (path: string) => string }> {
  const standIn = new ChatStandIn()
  const base = await standIn.listen()
  onTestFinished(() => standIn.close())
  return { chat: standIn, at: (path) => base + path }
}

function notified(
  index: number,
  type = 'outbid',
  subject = `Your Instance #${index} Has Been Outbid`,
): NewEvent {
  const body = JSON.stringify({ notif_type: type, subject, message: 'text' })
  return { ...storedEvent(index, ['team']), source: 'vastai', type, body: Buffer.from(body) }
}

async function states({ store }: Forwarded): Promise<Readonly<Record<string, number>>> {
  const { deliveries } = await store.list({ of: 'deliveries', destination: 'team', limit: 1000 })
  const counts: Record<string, number> = {}
  for (const { state } of deliveries) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

/** Lets time go by in steps: what was leased has to reach its handler before it can be gathered. */
async function untilTold(time: FakeTime, holds: () => boolean | Promise<boolean>): Promise<void> {
  await until(async () => {
    if (await holds()) return true
    time.advance(100)
    return false
  })
}

async function errorsOf({ store }: Forwarded): Promise<readonly (string | undefined)[]> {
  const { deliveries } = await store.list({ of: 'deliveries', destination: 'team', limit: 1000 })
  return deliveries.map(({ error }) => error)
}

describe('each API takes what it is told', () => {
  test.each([
    ['slack', (at: (path: string) => string) => notify.slack({ webhookUrl: at(SLACK_PATH) })],
    ['discord', (at: (path: string) => string) => notify.discord({ webhookUrl: at(DISCORD_PATH) })],
    [
      'pagerduty',
      (at: (path: string) => string) =>
        notify.pagerduty({ routingKey: ROUTING_KEY, url: at(PAGERDUTY_PATH) }),
    ],
  ] as const)('%s', async (_name, notification) => {
    const { chat: standIn, at } = await chat()
    const inbox = await inboxWith({ notification: notification(at) })
    const hostile = '<!here> @everyone [x](https://evil.example) '.repeat(500)
    await inbox.store.put([notified(1), notified(2, 'outbid', hostile), notified(3, hostile, hostile)])
    await until(() => standIn.taken.length === 3)
    await until(async () => (await states(inbox))['succeeded'] === 3)
  })

  test('a webhook of one’s own, which the official library of Standard Webhooks verifies', async () => {
    const target = await recordingTarget()
    const inbox = await inboxWith({
      notification: notify.webhook({
        url: target.url,
        secret: SECRET,
        headers: { authorization: 'Bearer own' },
      }),
    })
    await inbox.store.put([notified(7)])
    await until(() => target.received.length === 1)
    const { body, headers } = target.received[0]!
    expect(
      new OfficialWebhook(SECRET).verify(body.toString(), headers as Record<string, string>),
    ).toMatchObject({
      title: 'Your Instance #7 Has Been Outbid',
      severity: 'warning',
      source: 'vastai',
      type: 'outbid',
      id: 'evt_7',
    })
    expect([headers['authorization'], headers['content-type']]).toEqual(['Bearer own', 'application/json'])
  })

  test('an incident is opened by a trouble and resolved by its end', async () => {
    const { chat: standIn, at } = await chat()
    const inbox = await inboxWith({
      notification: notify.pagerduty({ routingKey: ROUTING_KEY, url: at(PAGERDUTY_PATH) }),
    })
    await inbox.store.put([
      notified(1, 'instance_offline', 'Your Instance #7 Is Offline'),
      notified(2, 'instance_offline', 'Your Instance #8 Is Offline'),
    ])
    await until(() => standIn.open.size === 2)
    await inbox.store.put([notified(3, 'instance_online', 'Your Instance #7 Is Back Online')])
    await until(() => standIn.open.size === 1)
    expect(standIn.taken).toHaveLength(3)
  })
})

test('a body that the API does not take is given up, also where retryOn is undefined', async () => {
  const target = await recordingTarget((_request, response) => response.writeHead(400).end())
  const undefinedOption = { retryOn: undefined } as object
  const inbox = await inboxWith({ notification: notify.webhook({ url: target.url, ...undefinedOption }) })
  await inbox.store.put([notified(1)])
  await until(async () => (await errorsOf(inbox))[0] !== undefined)
  expect(await states(inbox)).toEqual({ dead: 1 })
})

describe('what weighs too little', () => {
  test('makes no delivery, and what the configuration weighs otherwise does', async () => {
    const target = await recordingTarget()
    const { send, store } = await inboxWith({
      notification: notify.webhook({
        url: target.url,
        atLeast: 'warning',
        severity: [
          { type: 'order.lost', where: { json: { amount: { above: 100 } } }, is: 'critical' },
          { source: 'vastai', is: 'critical' },
        ],
      }),
    })
    await send('evt_1', JSON.stringify({ type: 'order.paid' }))
    await send('evt_2', JSON.stringify({ type: 'order.lost', amount: 5 }))
    await send('evt_3', JSON.stringify({ type: 'order.lost', amount: 500 }))
    await until(() => target.received.length === 1)
    expect(JSON.parse(target.received[0]!.body.toString())).toMatchObject({
      id: 'evt_3',
      severity: 'critical',
    })
    expect((await store.list({ of: 'deliveries', limit: 100 })).deliveries).toHaveLength(1)
  })
})

describe('a flood', () => {
  test('comes as so many messages, and one that sums up the rest, which are settled once that was taken', async () => {
    const time = new FakeTime()
    const answers: ServerResponse[] = []
    const target = await recordingTarget((_request, response) => {
      if (answers.push(response) <= 3) response.writeHead(204).end()
    })
    const inbox = await inboxWith({
      time,
      notification: notify.webhook({ url: target.url, perMinute: 3 }),
    })
    await inbox.store.put(Array.from({ length: 33 }, (_, index) => notified(index)))
    await inbox.store.put(Array.from({ length: 7 }, (_, index) => notified(100 + index, 'low_credit', 'Low')))
    await until(async () => (await states(inbox))['succeeded'] === 3)
    time.advance(59_000)
    expect([target.received.length, await states(inbox)]).toEqual([3, { succeeded: 3, pending: 37 }])

    time.advance(1000)
    await until(async () => (await states(inbox))['leased'] === 37)
    await untilTold(time, () => target.received.length === 4)
    expect(JSON.parse(target.received[3]!.body.toString())).toMatchObject({
      title: '37 more',
      text: '30 × vastai outbid, 7 × vastai low_credit',
      severity: 'warning',
      type: 'summary',
    })
    expect(await states(inbox)).toEqual({ succeeded: 3, leased: 37 })
    answers[3]!.writeHead(204).end()
    await until(async () => (await states(inbox))['succeeded'] === 40)
    expect(target.received).toHaveLength(4)
  })

  test('that is not taken is told again, whole', async () => {
    const time = new FakeTime()
    let refused = 0
    const target = await recordingTarget(({ body }, response) => {
      const isRefused = body.includes('"summary"') && refused++ === 0
      response.writeHead(isRefused ? 500 : 204).end()
    })
    const inbox = await inboxWith({
      time,
      notification: notify.webhook({ url: target.url, perMinute: 1, retry: { baseMs: 0 } }),
    })
    await inbox.store.put(Array.from({ length: 21 }, (_, index) => notified(index)))
    await until(async () => (await states(inbox))['succeeded'] === 1)
    time.advance(60_000)
    await until(async () => (await states(inbox))['leased'] === 20)
    await untilTold(time, async () => (await states(inbox))['pending'] === 20)
    expect(await errorsOf(inbox)).toContain('Error: HTTP 500')
    time.advance(60_000)
    await until(async () => (await states(inbox))['leased'] === 20)
    await untilTold(time, async () => (await states(inbox))['succeeded'] === 21)
    const titles = target.received.map(({ body }) => (JSON.parse(body.toString()) as { title: string }).title)
    expect(titles.slice(1)).toEqual(['20 more', '20 more'])
  })

  test('that a stop breaks off is kept, and told by who comes next', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-notify-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const target = await recordingTarget()
    const open = (time: FakeTime): Promise<Forwarded> =>
      inboxWith({
        store: sqlite(join(folder, 'postern.db')) as unknown as Store,
        time,
        notification: notify.webhook({ url: target.url, perMinute: 1 }),
      })
    const time = new FakeTime()
    const first = await open(time)
    await first.store.put(Array.from({ length: 21 }, (_, index) => notified(index)))
    await until(async () => (await states(first))['succeeded'] === 1)
    time.advance(60_000)
    await until(async () => (await states(first))['leased'] === 20)
    await first.stop()
    expect([target.received.length, time.timers]).toEqual([1, 0])

    const laterTime = new FakeTime()
    const later = await open(laterTime)
    await until(async () => (await states(later))['succeeded'] === 2)
    expect(await states(later)).toEqual({ succeeded: 2, pending: 19 })
    laterTime.advance(60_000)
    await until(async () => (await states(later))['leased'] === 19)
    await untilTold(laterTime, async () => (await states(later))['succeeded'] === 21)
    const titles = target.received.map(({ body }) => (JSON.parse(body.toString()) as { title: string }).title)
    expect(titles).toEqual([expect.stringMatching(/Outbid$/), expect.stringMatching(/Outbid$/), '19 more'])
  })

  test('does not swallow the end of an incident', async () => {
    const { chat: standIn, at } = await chat()
    const time = new FakeTime()
    const inbox = await inboxWith({
      time,
      notification: notify.pagerduty({ routingKey: ROUTING_KEY, url: at(PAGERDUTY_PATH), perMinute: 2 }),
    })
    const offline = (index: number): NewEvent =>
      notified(index, 'instance_offline', `Your Instance #${index} Is Offline`)
    await inbox.store.put([offline(1), offline(2)])
    await until(() => standIn.open.size === 2)
    await inbox.store.put([
      offline(3),
      notified(4, 'instance_online', 'Your Instance #1 Is Back Online'),
      offline(5),
    ])
    time.advance(60_000)
    await until(async () => (await states(inbox))['leased'] === 3)
    await untilTold(time, async () => (await states(inbox))['succeeded'] === 5)
    expect(standIn.taken.slice(2)).toMatchObject([
      { event_action: 'trigger', payload: { summary: '2 more: 2 × vastai instance_offline' } },
      { event_action: 'resolve' },
    ])
    expect(standIn.open.size).toBe(2)
  })
})

describe('an API that does not take it', () => {
  test('is left alone for as long as it asks', async () => {
    const { chat: standIn, at } = await chat()
    standIn.fault({
      when: 'before',
      does: (response) =>
        response
          .writeHead(429, { 'retry-after': '1', 'content-type': 'application/json' })
          .end('{"message":"You are being rate limited.","retry_after":0.6,"global":false}'),
    })
    const inbox = await inboxWith({ notification: notify.discord({ webhookUrl: at(DISCORD_PATH) }) })
    await inbox.store.put([notified(1)])
    await until(() => inbox.forwarding.list()[0]?.state === 'resting')
    const restedMs = performance.now()
    await until(() => standIn.taken.length === 1)
    expect(performance.now() - restedMs).toBeGreaterThan(900)
  })

  test.each([
    [400, 'invalid_blocks', 'dead'],
    [404, 'no_service', 'pending'],
    [200, '{"ok":false,"error":"channel_not_found"}', 'pending'],
    [500, 'rollup_error', 'pending'],
  ] as const)('%i %s leaves its delivery %s', async (status, body, state) => {
    const { chat: standIn, at } = await chat()
    standIn.fault({ when: 'before', does: (response) => response.writeHead(status).end(body) })
    const inbox = await inboxWith({
      notification: notify.slack({ webhookUrl: at(SLACK_PATH), retry: { baseMs: 1e9 } }),
    })
    await inbox.store.put([notified(1)])
    await until(async () => (await states(inbox))[state] === 1 && (await errorsOf(inbox))[0] !== undefined)
    expect((await errorsOf(inbox))[0]).toContain(body)
  })
})

test('no URL, key or header of a notification is in a log, an error or a list', async () => {
  const { chat: standIn, at } = await chat()
  const printed: unknown[] = []
  const note = (...what: unknown[]): void => void printed.push(what)
  const log = { debug: note, info: note, warn: note, error: note }
  const secrets = ['aVerySecretTokenOfSlack1', ROUTING_KEY, 'aVerySecretBearer']
  const given = [
    notify.slack({ webhookUrl: at(SLACK_PATH) }),
    notify.pagerduty({ routingKey: ROUTING_KEY, url: at(PAGERDUTY_PATH) }),
    notify.webhook({
      url: at(`${SLACK_PATH}?key=aVerySecretQuery`),
      headers: { authorization: 'aVerySecretBearer' },
    }),
  ]
  for (const notification of given) {
    // Says again what it was sent, as errors of APIs do.
    standIn.fault({
      when: 'before',
      does: (response) =>
        response.writeHead(400).end(`no: ${secrets.join(' ')} ${SLACK_PATH}?key=aVerySecretQuery`),
    })
    const inbox = await inboxWith({ notification, log })
    await inbox.store.put([notified(1)])
    await until(async () => (await states(inbox))['dead'] === 1)
    const [error] = await errorsOf(inbox)
    expect(error).toContain('[secret]')
    const own = JSON.stringify(notification)
    for (const secret of [...secrets, 'aVerySecretQuery'].filter((each) => own.includes(each))) {
      expect(JSON.stringify([error, inbox.forwarding.list(), printed])).not.toContain(secret)
    }
    await inbox.stop()
  }
})
