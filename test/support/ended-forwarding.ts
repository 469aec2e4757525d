import { randomUUID } from 'node:crypto'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { EventDetail } from 'postern'
import { expect, onTestFinished } from 'vitest'
import { OTHER_SECRET, SECRET, until } from './forwarding.ts'
import { startGateway, type Gateway } from './gateway.ts'
import { allEvents } from './inbox.ts'
import { Client } from './kill-harness.ts'
import { digestOf, OwingTarget, type Arrival } from './owing-target.ts'
import { placeAt } from './places/index.mjs'
import { SECRET as SOURCE_SECRET } from './requests.ts'

/** Short, so that what was under way at an end is soon due again. */
const LEASE_MS = 500
/** Of a gateway whose server is back; a busy machine takes a third of it. */
const BACK_WITHIN_MS = 30_000
/** A call that waits for a connection for too long is given up. */
const READS_AT_ONCE = 20

/** By the name of the destination, the key that its requests are signed with. */
const KEYS = { billing: SECRET, audit: OTHER_SECRET }
type Name = keyof typeof KEYS
const NAMES: readonly Name[] = ['billing', 'audit']
type Targets = Readonly<Record<Name, OwingTarget>>

/** A way to end the gateway, what its events lie on, or both. */
export interface Ending {
  /** A gateway that lives meets the outage, and goes on afterwards. */
  readonly endsGateway: boolean
  readonly strike: (gateway: Gateway) => unknown
  /** Brings back all but the gateway. */
  readonly mend: () => unknown
}

export interface Ended {
  /** Where the gateway runs. */
  readonly folder: string
  /** Where its events are: see `places/`. */
  readonly place: string
  readonly times: number
  /** In turn. */
  readonly endings: readonly Ending[]
  /** The gateway is told that acknowledged events may be lost. */
  readonly mayLose?: boolean
}

/** What came of it. */
export interface Came {
  readonly acknowledged: number
  /** Stored, and its sender was not told. */
  readonly unanswered: number
  /** Answered 503 while the server was away, and 200 when they were sent again. */
  readonly refused: number
  readonly gatewaysEnded: number
  readonly outages: number
  /** In the order of the destinations. */
  readonly copies: readonly number[]
  readonly wrong: readonly Findings[]
}

/** What a destination was sent, held against what the sender was told. */
export interface Findings {
  readonly name: Name
  /** Answered 200, and it never came here. */
  readonly lost: readonly string[]
  /** It came with other bytes than its sender's. */
  readonly altered: readonly string[]
  /** The official library refuses it. */
  readonly forged: readonly string[]
  /** It came, and nothing is stored for it; or nobody sent it, which holds for all that is stored as well. */
  readonly invented: readonly string[]
  /** Copies under several ids, or an id that two events share. */
  readonly renamed: readonly string[]
  /** Its delivery here has not come to its end. */
  readonly open: readonly string[]
}

/** Ends a gateway that forwards, under load, again and again, lets the last one finish, and holds what came against what was promised. */
export async function endAgainAndAgain(ended: Ended): Promise<Came> {
  const { folder, place, times, endings } = ended
  const targets = {
    billing: await OwingTarget.listen(KEYS.billing),
    audit: await OwingTarget.listen(KEYS.audit),
  }
  configure(folder, targets)
  const client = new Client()
  const counts = { gatewaysEnded: 0, outages: 0, refused: 0 }
  let gateway = await start(ended)
  for (let time = 0; time < times; time += 1) {
    const ending = endings[time % endings.length]!
    await strikeUnderLoad(ending, { gateway, client, targets, time })
    if (ending.endsGateway) {
      counts.gatewaysEnded += 1
      for (const name of NAMES) targets[name].forgetOwed()
      await ending.mend()
      gateway = await start(ended)
    } else {
      counts.outages += 1
      await meetOutage(gateway, client, targets)
      counts.refused += client.refused.size
      await ending.mend()
      await client.sendRefusedAgain(gateway.port, BACK_WITHIN_MS)
    }
  }
  await finish(gateway, targets, 30_000 + times * 1000)

  const stored = await storedIn(place)
  return {
    ...counts,
    acknowledged: client.acknowledged.size,
    unanswered: [...stored.keys()].filter((id) => !client.acknowledged.has(id)).length,
    copies: NAMES.map((name) => targets[name].copies()),
    wrong: NAMES.map((name) => held(targets[name].arrivals, name, { stored, client })),
  }
}

/** When each target has taken what it has not answered yet. */
async function strikeUnderLoad(
  { endsGateway, strike }: Ending,
  run: {
    readonly gateway: Started
    readonly client: Client
    readonly targets: Targets
    readonly time: number
  },
): Promise<void> {
  const { gateway, client, targets, time } = run
  const strikeOwed = async (): Promise<void> => {
    await until(() => NAMES.every((name) => targets[name].owes), BACK_WITHIN_MS)
    await strike(gateway)
  }
  // Uneven, so that the ends fall on different moments of commit, send and settle.
  const count = 100 + 37 * (time % 10)
  await client.loadUntilKilled({ port: gateway.port, kill: strikeOwed, mayRefuse: !endsGateway }, count)
}

/** What a target has taken cannot be settled, and what is sent now cannot be stored. */
async function meetOutage({ port }: Started, client: Client, targets: Targets): Promise<void> {
  for (const name of NAMES) targets[name].answerOwed()
  const id = randomUUID()
  await client.send(port, undefined, id)
  expect(client.refused.get(id)).toBe(503)
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
    invented: [
      ...idsOf(({ id }) => !stored.has(id) || !client.sent.has(id)),
      ...[...stored.keys()].filter((id) => !client.sent.has(id)),
    ],
    renamed: idsOf(({ id, messageId }) => messageIds.get(id) !== messageId || eventIds.get(messageId) !== id),
    open: [...stored].flatMap(([id, { deliveries }]) => {
      const states = deliveries.filter(({ destination }) => destination === name).map(({ state }) => state)
      return states.join() === 'succeeded' ? [] : [id]
    }),
  }
}

function configure(folder: string, targets: Targets): void {
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

type Started = Gateway & { readonly port: number }

async function start({ folder, place, mayLose }: Ended): Promise<Started> {
  const gateway = await startGateway(folder, ['serve', '--log-level', 'warn'], {
    POSTERN_STORE: place.includes('://') ? place : `sqlite:${place}`,
    VASTAI_WEBHOOK_SECRET: SOURCE_SECRET,
    BILLING_DESTINATION_SECRET: KEYS.billing,
    AUDIT_DESTINATION_SECRET: KEYS.audit,
    ...(mayLose && { POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS: 'yes' }),
  })
  onTestFinished(() => void gateway.kill())
  return { ...gateway, port: Number(new URL(gateway.origin).port) }
}

/** Leases of those that were ended run out first; the gateway looks for that by itself. */
async function finish(gateway: Gateway, targets: Targets, withinMs: number): Promise<void> {
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
async function storedIn(place: string): Promise<ReadonlyMap<string, EventDetail>> {
  const { store, close } = await placeAt(place).open({ mayLose: true })
  try {
    const events = await allEvents(store)
    const details = new Map<string, EventDetail>()
    for (let first = 0; first < events.length; first += READS_AT_ONCE) {
      const some = events.slice(first, first + READS_AT_ONCE)
      const read = await Promise.all(some.map(({ eventSeq }) => store.get(eventSeq)))
      for (const [index, { id }] of some.entries()) details.set(id, read[index]!)
    }
    expect(details.size).toBe(events.length)
    return details
  } finally {
    await store.close()
    await close()
  }
}
