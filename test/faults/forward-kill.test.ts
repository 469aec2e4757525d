/**
 * `kill -9` of a gateway that forwards, and its power cut. What it answered 200 has to come to every destination, byte-exact, whatever was under
 * way at its end; what a target had taken by then comes to it again, under the id that it drops copies by.
 */
import { createHash } from 'node:crypto'
import { symlinkSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join, resolve } from 'node:path'
import type { EventDetail } from 'postern'
import { sqlite } from 'postern/sqlite'
import { Webhook as OfficialWebhook } from 'standardwebhooks'
import { expect, onTestFinished, test } from 'vitest'
import { OTHER_SECRET, recordingTarget, SECRET, until, type Received } from '../support/forwarding.ts'
import { startGateway, type Gateway } from '../support/gateway.ts'
import { mountDiskImage } from '../support/disk-image.mjs'
import { allEvents, tempFolder } from '../support/inbox.ts'
import { Client } from '../support/kill-harness.ts'
import { SECRET as SOURCE_SECRET } from '../support/requests.ts'
import { skipVisibly } from '../support/skip.ts'

/** Long forms: `KILLS=100` or `CUTS=20 npx vitest run test/faults/forward-kill.test.ts`. */
const KILLS = Number(process.env['KILLS'] ?? 5)
const CUTS = Number(process.env['CUTS'] ?? 3)
/** Short, so that what was under way at a kill is soon due again. */
const LEASE_MS = 500

/** By the name of the destination, the key that its requests are signed with. */
const KEYS = { billing: SECRET, audit: OTHER_SECRET }
type Name = keyof typeof KEYS
const NAMES: readonly Name[] = ['billing', 'audit']

test(
  `after ${KILLS} kills under load every acknowledged event has come to both destinations, byte-exact`,
  { timeout: 60_000 + KILLS * 10_000 },
  async () => {
    const folder = tempFolder()
    const found = await endAgainAndAgain({
      folder,
      database: join(folder, '.postern/postern.db'),
      times: KILLS,
      end: (gateway) => gateway.kill(),
    })
    console.info(`${KILLS} kills: ${found}`)
  },
)

test(
  `after ${CUTS} power cuts under load every acknowledged event has come to both destinations, byte-exact`,
  { timeout: 120_000 + CUTS * 10_000 },
  async (context) => {
    const folder = tempFolder()
    const disk = mountDiskImage(folder)
    if ('refused' in disk) skipVisibly(context, disk.refused)
    onTestFinished(() => disk.unmount())
    const found = await endAgainAndAgain({
      folder,
      database: join(disk.folder, 'postern.db'),
      times: CUTS,
      end: async (gateway) => {
        gateway.halt()
        disk.cutPower()
        await gateway.kill()
        disk.restorePower()
      },
    })
    console.info(`${CUTS} power cuts: ${found}`)
  },
)

interface Ending {
  /** Where the gateway runs, and where its events are. */
  readonly folder: string
  readonly database: string
  readonly times: number
  readonly end: (gateway: Gateway) => Promise<unknown>
}

/** Ends a gateway under load again and again, lets the last one finish, and holds what came against what was promised. */
async function endAgainAndAgain({ folder, database, times, end }: Ending): Promise<string> {
  const targets = { billing: await OwingTarget.listen('billing'), audit: await OwingTarget.listen('audit') }
  configure(folder, targets)
  const client = new Client()
  for (let time = 0; time < times; time += 1) {
    const gateway = await start(folder, database)
    const endOwed = async (): Promise<unknown> => {
      await until(() => NAMES.every((name) => targets[name].owes))
      return end(gateway)
    }
    // Uneven, so that the ends fall on different moments of commit, send and settle.
    await client.loadUntilKilled({ port: gateway.port, kill: endOwed }, 100 + 37 * (time % 10))
    for (const name of NAMES) targets[name].forgetKilled()
  }
  await finish(await start(folder, database), targets, 30_000 + times * 1000)

  const stored = await storedIn(database)
  for (const name of NAMES) {
    const wrong = held(targets[name].arrivals, name, { stored, client })
    expect(wrong).toEqual({ name, lost: [], altered: [], forged: [], invented: [], renamed: [], open: [] })
    // Else nothing was tried: at every end each target had taken what nobody had settled.
    expect(targets[name].copies()).toBeGreaterThanOrEqual(times)
  }
  // Beside what was acknowledged, only what an end cut off between its commit and its answer.
  const unanswered = [...stored.keys()].filter((id) => !client.acknowledged.has(id))
  expect(stored.size).toBe(client.acknowledged.size + unanswered.length)
  expect(unanswered.every((id) => client.sent.has(id))).toBe(true)
  const copies = NAMES.map((name) => `${targets[name].copies()} at ${name}`).join(', ')
  return `${client.acknowledged.size} acknowledged, ${unanswered.length} stored without an answer; copies: ${copies}`
}

/** What a destination was sent, held against what the sender was told. */
interface Findings {
  readonly name: Name
  /** Answered 200, and it never came here. */
  readonly lost: readonly string[]
  /** It came with other bytes than its sender's. */
  readonly altered: readonly string[]
  /** The official library refuses it. */
  readonly forged: readonly string[]
  /** It came, and nothing is stored for it, or nobody sent it. */
  readonly invented: readonly string[]
  /** Copies under several ids, or an id that two events share. */
  readonly renamed: readonly string[]
  /** Its delivery here has not come to its end. */
  readonly open: readonly string[]
}

function held(
  arrivals: readonly Arrival[],
  name: Name,
  { stored, client }: { readonly stored: ReadonlyMap<string, EventDetail>; readonly client: Client },
): Findings {
  const arrived = new Set(arrivals.map(({ id }) => id))
  const messageIds = new Map<string, string>()
  const eventIds = new Map<string, string>()
  for (const { id, messageId } of arrivals.toReversed()) {
    messageIds.set(id, messageId)
    eventIds.set(messageId, id)
  }
  const idsOf = (wrong: (arrival: Arrival) => boolean): readonly string[] =>
    arrivals.filter(wrong).map(({ id }) => id)
  return {
    name,
    lost: [...client.acknowledged].filter((id) => !arrived.has(id)),
    altered: idsOf(({ id, digest }) => digest !== digestOf(client.sent.get(id) ?? '')),
    forged: idsOf(({ isVerified }) => !isVerified),
    invented: idsOf(({ id }) => !stored.has(id) || !client.sent.has(id)),
    renamed: idsOf(({ id, messageId }) => messageIds.get(id) !== messageId || eventIds.get(messageId) !== id),
    open: [...stored].flatMap(([id, { deliveries }]) => {
      const states = deliveries.filter(({ destination }) => destination === name).map(({ state }) => state)
      return states.join() === 'succeeded' ? [] : [id]
    }),
  }
}

/** One request at a target, in short. */
interface Arrival {
  readonly id: string
  readonly messageId: string
  readonly digest: string
  readonly isVerified: boolean
}

/** A target that always owes one answer, so that whenever its gateway is killed there is one that it has taken and that is not settled. */
class OwingTarget {
  readonly arrivals: Arrival[] = []
  readonly #official: OfficialWebhook
  #owed: ServerResponse | undefined
  #owesNothing = false
  #url = ''

  private constructor(name: Name) {
    this.#official = new OfficialWebhook(KEYS[name])
  }

  static async listen(name: Name): Promise<OwingTarget> {
    const target = new OwingTarget(name)
    target.#url = (await recordingTarget((request, response) => target.#take(request, response))).url
    return target
  }

  get url(): string {
    return this.#url
  }

  copies(): number {
    return this.arrivals.length - new Set(this.arrivals.map(({ id }) => id)).size
  }

  get owes(): boolean {
    return this.#owed !== undefined
  }

  /** Nobody waits any more for what is owed. */
  forgetKilled(): void {
    this.#owed = undefined
  }

  /** From now on everything is answered. */
  settleUp(): void {
    this.#owesNothing = true
    this.#owed?.writeHead(204).end()
  }

  #take({ headers, body }: Received, response: ServerResponse): void {
    this.arrivals.push({
      id: String(headers['postern-event-id']),
      messageId: String(headers['webhook-id']),
      digest: digestOf(body),
      isVerified: this.#verifies(body, headers as Record<string, string>),
    })
    if (this.#owesNothing) return void response.writeHead(204).end()
    this.#owed?.writeHead(204).end()
    this.#owed = response
  }

  #verifies(body: Buffer, headers: Record<string, string>): boolean {
    try {
      this.#official.verify(body.toString(), headers)
      return true
    } catch {
      return false
    }
  }
}

function digestOf(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}

function configure(folder: string, targets: Readonly<Record<Name, OwingTarget>>): void {
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  const destinations = NAMES.map(
    (name) => `${name}: { url: '${targets[name].url}', allowNetworks: ['127.0.0.0/8'] },`,
  )
  writeFileSync(
    join(folder, 'postern.config.mjs'),
    `import { defineConfig } from '@postern/gateway'
     import { vastai } from 'postern/providers'
     export const config = defineConfig({
       sources: { vastai: vastai() },
       destinations: { ${destinations.join(' ')} },
       worker: { leaseMs: ${LEASE_MS} },
     })`,
  )
}

async function start(folder: string, database: string): Promise<Gateway & { readonly port: number }> {
  const gateway = await startGateway(folder, ['serve', '--log-level', 'warn'], {
    POSTERN_STORE: `sqlite:${database}`,
    VASTAI_WEBHOOK_SECRET: SOURCE_SECRET,
    BILLING_DESTINATION_SECRET: KEYS.billing,
    AUDIT_DESTINATION_SECRET: KEYS.audit,
  })
  onTestFinished(() => void gateway.kill())
  return { ...gateway, port: Number(new URL(gateway.origin).port) }
}

/** Leases of those that were killed run out first; the gateway looks for that by itself. */
async function finish(
  gateway: Gateway,
  targets: Readonly<Record<Name, OwingTarget>>,
  withinMs: number,
): Promise<void> {
  for (const name of NAMES) targets[name].settleUp()
  await until(async () => (await openAt(gateway)) === 0, withinMs)
  expect(await gateway.stop()).toBe(0)
}

async function openAt({ adminOrigin }: Gateway): Promise<number> {
  const response = await fetch(`${adminOrigin}/api/stat`)
  const { destinations } = (await response.json()) as {
    readonly destinations: readonly Readonly<Record<'pending' | 'leased' | 'dead', number>>[]
  }
  return destinations.reduce((sum, { pending, leased, dead }) => sum + pending + leased + dead, 0)
}

/** Each event once, by its sender's id. */
async function storedIn(database: string): Promise<ReadonlyMap<string, EventDetail>> {
  const store = sqlite(database)
  try {
    const events = await allEvents(store)
    const details = new Map<string, EventDetail>()
    for (const { id, eventSeq } of events) details.set(id, (await store.get(eventSeq))!)
    expect(details.size).toBe(events.length)
    return details
  } finally {
    await store.close()
  }
}
