/**
 * One day of a gateway between Vast.ai, a service of one's own and the team's channel, with all that a day has: the gateway is a
 * process, the operator's commands are the real ones, the vendor and Slack are stand-ins. At its end everything is accounted for.
 */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { DeliveryState } from 'postern'
import { Webhook as OfficialWebhook } from 'standardwebhooks'
import { expect, onTestFinished, test } from 'vitest'
import { recordingTarget, until, type RecordingTarget } from '../support/forwarding.ts'
import { startGateway, type Gateway } from '../support/gateway.ts'
import { tempFolder } from '../support/inbox.ts'
import { commandLine, type CommandLine } from './command-line.ts'
import { VAST_KEY, VastaiStandIn } from './vastai-stand-in.ts'

const URL_OF_WORLD = 'https://hooks.example.com/webhooks/vastai'
/** The vendor's first webhook. */
const WEBHOOK = 42

interface Day {
  readonly folder: string
  readonly gateway: Gateway
  readonly vast: VastaiStandIn
  readonly cli: CommandLine
  /** The team's own service. */
  readonly fleet: RecordingTarget
  readonly slack: RecordingTarget
}

test(
  'a day: register, receive, forward, notify, outage, redrive, rotate, reconcile, and all is accounted for',
  { timeout: 90_000 },
  async () => {
    const day = await begin()
    await register(day)
    await receiveForwardAndNotify(day)
    await outage(day)
    await resumeAndRedrive(day)
    await rotate(day)
    await reconcile(day)
    await account(day)
    expect(await day.gateway.stop()).toBe(0)
    expectNothingToldOfSecrets(day)
  },
)

async function begin(): Promise<Day> {
  const folder = tempFolder()
  const fleet = await recordingTarget()
  const slack = await recordingTarget((_request, response) => void response.writeHead(200).end('ok'))
  configure(folder, fleet, slack)
  const gateway = await startGateway(folder, ['dev'])
  onTestFinished(() => void gateway.kill())
  const vast = new VastaiStandIn((url) => url.replace('https://hooks.example.com', gateway.origin))
  const origin = await vast.listen()
  onTestFinished(() => vast.close())
  vast.instances = [
    { id: 312, actual_status: 'running' },
    { id: 313, actual_status: 'running' },
  ]
  const env = { VAST_API_KEY: VAST_KEY, POSTERN_ADMIN: new URL(gateway.adminOrigin).host }
  return { folder, gateway, vast, cli: commandLine({ cwd: folder, origin, env }), fleet, slack }
}

/** Two tries and a breaker that is quick, so that an outage has both: what is given up, and what waits. */
function configure(folder: string, fleet: RecordingTarget, slack: RecordingTarget): void {
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(
    join(folder, 'postern.config.mjs'),
    `import { defineConfig, notify } from '@postern/gateway'
     import { vastai } from 'postern/providers'
     export const config = defineConfig({
       sources: { vastai: vastai() },
       handlers: () => [],
       destinations: {
         fleet: {
           url: '${fleet.url}',
           retry: { attempts: 2, baseMs: 50 },
           breaker: { failures: 3, openMs: 300, longestOpenMs: 600 },
         },
         team: notify.slack({
           webhookUrl: '${slack.url}',
           from: { source: 'vastai', type: ['outbid', 'instance_offline'] },
           atLeast: 'warning',
         }),
       },
     })`,
  )
}

async function register({ cli, vast, fleet }: Day): Promise<void> {
  const { code, stdout } = await cli.run(['register', 'vastai', '--url', URL_OF_WORLD])
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/own test arrived .* verified by vast-signature-256/),
  ])
  await until(() => fleet.received.length === 1)
  expect(fleet.received[0]?.headers['postern-type']).toBe('webhook_test')
  expect(fleet.ids()).toEqual([...vast.sent.keys()])
  // What later looks are held against.
  expect((await cli.run(['reconcile', 'vastai'])).stdout).toContain('2 instances seen for the first time')
}

async function receiveForwardAndNotify(day: Day): Promise<void> {
  const { vast, gateway, fleet, slack } = day
  expect(await vast.notify('outbid', 'Your Interruptible Instance #313 Has Been Outbid')).toEqual([200])
  await until(() => fleet.received.length === 2 && slack.received.length === 1)
  expect(fleet.received[1]?.headers['postern-type']).toBe('outbid')
  expect(textAt(slack, 0)).toContain('Instance #313 Has Been Outbid')
  const { events } = await ask<EventPage>(gateway, '/api/events?type=outbid')
  expect(events).toMatchObject([{ verifiedBy: 'vast-signature-256' }])
  await untilSettled(day)
}

async function outage(day: Day): Promise<void> {
  const { cli, vast, fleet, slack } = day
  const received = fleet.received.length
  fleet.goDown()
  for (let index = 0; index < 6; index += 1) {
    expect(await vast.notify('low_credit', `Low credit, ${index}`)).toEqual([200])
  }
  expect(await vast.notify('instance_offline', 'Instance #314 Is Offline')).toEqual([200])
  await until(async () => {
    const { state, pending, dead } = await fleetOf(day)
    return state === 'down' && pending > 0 && dead > 0
  })
  // The service being down holds up nobody else.
  await until(() => slack.received.length === 2)
  expect(textAt(slack, 1)).toContain('Instance #314 Is Offline')

  expect((await cli.run(['pause', 'fleet'])).code).toBe(0)
  await until(async () => (await fleetOf(day)).leased === 0)
  const { state, pending, dead } = await fleetOf(day)
  expect([state, pending > 0, dead > 0, pending + dead]).toEqual(['paused', true, true, 7])
  expect(fleet.received).toHaveLength(received)
}

async function resumeAndRedrive(day: Day): Promise<void> {
  const { cli, fleet } = day
  const received = fleet.received.length
  fleet.comeBack()
  expect((await cli.run(['resume', 'fleet'])).stdout).toBe('fleet is resumed\n')
  await until(async () => (await fleetOf(day)).pending === 0)
  const { dead } = await fleetOf(day)
  await until(() => fleet.received.length === received + 7 - dead)

  expect((await cli.run(['redrive', 'fleet'])).stdout).toMatch(new RegExp(`^${dead} of fleet `))
  await untilSettled(day)
  expect(await fleetOf(day)).toMatchObject({ state: 'open', pending: 0, leased: 0, dead: 0 })
  expect(fleet.received).toHaveLength(received + 7)
}

async function rotate({ cli, vast }: Day): Promise<void> {
  const before = vast.secrets.get(WEBHOOK)!
  const over = new AbortController()
  const statuses: number[] = []
  const sending = (async () => {
    while (!over.signal.aborted) statuses.push(...(await vast.notify('low_credit', 'Low meanwhile')))
  })()
  const { code } = await cli.run(['rotate', 'vastai'])
  over.abort()
  await sending
  expect([code, new Set(statuses)]).toEqual([0, new Set([200])])

  const after = vast.secrets.get(WEBHOOK)!
  expect(after).not.toBe(before)
  const signedWith = (secret: string): Promise<number[]> => {
    vast.secrets.set(WEBHOOK, secret)
    return vast.notify('low_credit', 'Low')
  }
  expect([await signedWith(before), await signedWith(after)]).toEqual([[200], [200]])
  expect((await cli.run(['rotate', 'vastai', '--finish'])).code).toBe(0)
  expect([await signedWith(before), await signedWith(after)]).toEqual([[401], [200]])
}

async function reconcile({ cli, vast, fleet }: Day): Promise<void> {
  // One was outbid this morning; of the other no webhook told.
  for (const instance of vast.instances) instance.actual_status = 'exited'
  const { code, stdout } = await cli.run(['reconcile', 'vastai'])
  expect(code).toBe(0)
  expect(stdout).toContain('reconciled.instance_changed  312  running -> exited')
  expect(stdout).toContain('1 changes recorded that no webhook told, 1 that one did')
  await until(() => fleet.ids().includes(RECONCILED))
}

const RECONCILED = 'reconciled:instance:312:2:exited'

async function account(day: Day): Promise<void> {
  const { gateway, vast, fleet, slack } = day
  await untilSettled(day)
  const taken = [...vast.sent].filter(([, { status }]) => status === 200).map(([id]) => id)
  expect([...vast.sent.values()].map(({ status }) => status).filter((status) => status !== 200)).toEqual([
    401,
  ])

  const events = await listed<Event>(gateway, 'events')
  expect(events.map(({ id }) => id).toSorted()).toEqual([...taken, RECONCILED].toSorted())
  const deliveries = await listed<Delivery>(gateway, 'deliveries')
  expect(new Set(deliveries.map(({ state }) => state))).toEqual(new Set(['succeeded']))
  const eventsOf = (name: string): number[] =>
    deliveries.filter(({ destination }) => destination === name).map(({ eventSeq }) => eventSeq)
  expect(eventsOf('fleet').toSorted()).toEqual(events.map(({ eventSeq }) => eventSeq).toSorted())
  const toTeam = events.filter(({ type }) => type === 'outbid' || type === 'instance_offline')
  expect(eventsOf('team').toSorted()).toEqual(toTeam.map(({ eventSeq }) => eventSeq).toSorted())
  expect(deliveries).toHaveLength(events.length + toTeam.length)

  expect(fleet.ids().toSorted()).toEqual([...taken, RECONCILED].toSorted())
  expect(slack.received).toHaveLength(toTeam.length)
  expectWhatVastaiSent(day)
}

/** The bytes that the vendor signed, signed anew as the official library checks it. */
function expectWhatVastaiSent({ folder, vast, fleet }: Day): void {
  const secrets = secretsIn(folder)
  const official = new OfficialWebhook(secrets['destination:fleet'] ?? '')
  const sent = fleet.received.filter(({ headers }) => headers['postern-event-id'] !== RECONCILED)
  for (const { headers, body } of sent) {
    expect(body.toString()).toBe(vast.sent.get(String(headers['postern-event-id']))?.body)
    expect(official.verify(body, headers as Record<string, string>)).toBeDefined()
  }
  expect(new Set(fleet.received.map(({ headers }) => headers['webhook-id'])).size).toBe(fleet.received.length)
}

function expectNothingToldOfSecrets({ folder, gateway, vast, cli }: Day): void {
  const seen = cli.printed() + gateway.output()
  expect(vast.told).toHaveLength(2)
  for (const secret of [VAST_KEY, ...vast.told, ...Object.values(secretsIn(folder))]) {
    expect(seen).not.toContain(secret)
  }
}

function secretsIn(folder: string): Readonly<Record<string, string>> {
  const text = readFileSync(join(folder, '.postern/secrets.json'), 'utf8')
  return JSON.parse(text) as Record<string, string>
}

interface Event {
  readonly eventSeq: number
  readonly id: string
  readonly type: string
}

interface EventPage {
  readonly events: readonly Event[]
}

interface Delivery {
  readonly eventSeq: number
  readonly destination: string
  readonly state: DeliveryState
}

interface DestinationNow {
  readonly name: string
  readonly state?: string
  readonly pending: number
  readonly leased: number
  readonly dead: number
}

async function untilSettled({ gateway }: Day): Promise<void> {
  await until(async () => {
    const { destinations } = await ask<{ destinations: readonly DestinationNow[] }>(
      gateway,
      '/api/destinations',
    )
    return destinations.every(({ pending, leased, dead }) => pending + leased + dead === 0)
  })
}

async function fleetOf({ gateway }: Day): Promise<DestinationNow> {
  const { destinations } = await ask<{ destinations: readonly DestinationNow[] }>(
    gateway,
    '/api/destinations',
  )
  return destinations.find(({ name }) => name === 'fleet')!
}

/** All pages of a list. */
async function listed<Each>(gateway: Gateway, of: 'events' | 'deliveries'): Promise<readonly Each[]> {
  const all: Each[] = []
  for (let before = ''; ;) {
    const page = await ask<Record<typeof of, readonly Each[]> & { readonly next?: number }>(
      gateway,
      `/api/${of}?limit=1000${before}`,
    )
    all.push(...page[of])
    if (page.next === undefined) return all
    before = `&before=${page.next}`
  }
}

/** Of the admin API, whose answers other tests check. */
async function ask<Answer>({ adminOrigin }: Gateway, path: string): Promise<Answer> {
  const response = await fetch(adminOrigin + path)
  expect(response.status).toBe(200)
  return (await response.json()) as Answer
}

function textAt({ received }: RecordingTarget, index: number): string {
  return (JSON.parse(received[index]?.body.toString() ?? '') as { readonly text: string }).text
}
