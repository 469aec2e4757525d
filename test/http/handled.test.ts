// `ack: "handled"`: the sender's 200 says that the handler is done. No worker runs, but where a test starts one.
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { createPostern, custom, type Source, type SourceOptions } from 'postern'
import { vastai } from 'postern/providers'
import { sqlite } from 'postern/sqlite'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ChildServer } from '../support/child-server.mjs'
import { makeEffectTable } from '../support/places/sqlite.mjs'
import { expectDuplicate, expectReceived, expectUnavailable } from '../support/expectations.ts'
import { gate, replacing, startInbox, tempFolder, type Inbox, type InboxOptions } from '../support/inbox.ts'
import { NOW_MS, SECRET, seedBody, seedEvent, type Outgoing } from '../support/requests.ts'
import { SignedConnection } from '../support/signed-connection.mjs'
import { readStored } from '../support/stored.mjs'
import { bodyScheme } from '../support/body-scheme.ts'
import { timedTest } from '../support/timed-test.ts'
import { eventually } from '../support/eventually.ts'

function handled(options: SourceOptions = {}): { readonly sources: Readonly<Record<string, Source>> } {
  return { sources: { vastai: vastai({ secret: SECRET, ack: 'handled', ...options }) } }
}

/** The states of the deliveries of an event. */
async function statesOf(inbox: Inbox, eventSeq = 1): Promise<readonly string[]> {
  const detail = await inbox.store.get(eventSeq)
  return detail?.deliveries.map(({ state }) => state) ?? []
}

function outcomesOf(inbox: Inbox): readonly string[] {
  return inbox.occurrences.flatMap((each) => (each.kind === 'attempted' ? [each.outcome] : []))
}

function reasonsOf(inbox: Inbox): readonly string[] {
  return inbox.occurrences.flatMap((each) => (each.kind === 'rejected' ? [each.reason] : []))
}

/** A handler that fails as often as it is told to, and then succeeds. */
function failing(times: number): NonNullable<InboxOptions['handler']> {
  let left = times
  return () => {
    left -= 1
    if (left >= 0) throw new Error('not yet')
  }
}

describe.each(['node:http', 'Express', 'fetch'] as const)('over %s', (skin) => {
  test('a 200 comes after the handler and its settle', async () => {
    const inbox = await startInbox({ ...handled(), skin })
    expectReceived(await inbox.send(seedEvent('evt_1')))
    expect(inbox.handled).toEqual(['evt_1'])
    expect(await statesOf(inbox)).toEqual(['succeeded'])
  })

  test("a handler that throws is a 503, and the sender's retry runs it again", async () => {
    const inbox = await startInbox({ ...handled(), skin, handler: failing(1) })
    const first = await inbox.send(seedEvent('evt_1'))
    expectUnavailable(first)
    expect(first.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await statesOf(inbox)).toEqual(['pending'])
    expectDuplicate(await inbox.send(seedEvent('evt_1')))
    expect(inbox.handled).toEqual(['evt_1', 'evt_1'])
    expect(await statesOf(inbox)).toEqual(['succeeded'])
  })
})

describe('a copy', () => {
  test('of a handled event is answered 200 and runs nothing', async () => {
    const inbox = await startInbox(handled())
    await inbox.send(seedEvent('evt_1'))
    expectDuplicate(await inbox.send(seedEvent('evt_1')))
    expect(inbox.handled).toEqual(['evt_1'])
  })

  test('that comes while the first is being handled is answered 503 at once', async () => {
    const finish = gate()
    const inbox = await startInbox({ ...handled(), handler: () => finish.opened })
    const first = inbox.send(seedEvent('evt_1'))
    await eventually(() => expect(inbox.handled).toEqual(['evt_1']))
    expectUnavailable(await inbox.send(seedEvent('evt_1')))
    finish.open()
    expectReceived(await first)
    expect(reasonsOf(inbox)).toEqual(['in_progress'])
    expect(inbox.handled).toEqual(['evt_1'])
  })

  test('of 20 at once, one runs the handler', async () => {
    const finish = gate()
    const inbox = await startInbox({ ...handled(), handler: () => finish.opened })
    const sent = Array.from({ length: 20 }, () => inbox.send(seedEvent('evt_1')))
    await eventually(() => expect(reasonsOf(inbox)).toHaveLength(19))
    finish.open()
    const statuses = (await Promise.all(sent)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(inbox.handled).toEqual(['evt_1'])
  })

  test('of a dead event takes it up again, its schedule anew', async () => {
    const inbox = await startInbox({ ...handled(), handler: failing(2), retry: { attempts: 2 } })
    expectUnavailable(await inbox.send(seedEvent('evt_1')))
    expectUnavailable(await inbox.send(seedEvent('evt_1')))
    expect(await statesOf(inbox)).toEqual(['dead'])
    expectDuplicate(await inbox.send(seedEvent('evt_1')))
    expect(outcomesOf(inbox)).toEqual(['retry', 'dead', 'succeeded'])
  })

  test('of a cancelled event is answered 200: an operator has decided', async () => {
    const inbox = await startInbox({ ...handled(), handler: failing(1) })
    await inbox.send(seedEvent('evt_1'))
    const [delivery] = (await inbox.store.get(1))!.deliveries
    expect(await inbox.store.move([{ deliverySeq: delivery!.deliverySeq, to: 'cancel' }])).toEqual(['moved'])
    expectDuplicate(await inbox.send(seedEvent('evt_1')))
    expect(inbox.handled).toEqual(['evt_1'])
  })

  test('whose process was lost is handled once the sender would have given up on it', async () => {
    const inbox = await startInbox(handled())
    await inbox.store.put([leasedBySomebody(LEASE_MS)])
    expectUnavailable(await inbox.send(seedEvent('evt_1')))
    await vi.waitFor(async () => expectDuplicate(await inbox.send(seedEvent('evt_1'))), { timeout: 5000 })
    expect(inbox.handled).toEqual(['evt_1'])
  })

  test('in line as well', async () => {
    const inbox = await startInbox(handled({ orderBy: { json: ['data', 'resource'] } }))
    await inbox.store.put([{ ...leasedBySomebody(LEASE_MS), orderingKey: 'res_1', onDead: 'block' }])
    expectUnavailable(await inbox.send(seedEvent('evt_2')))
    await vi.waitFor(async () => expectDuplicate(await inbox.send(seedEvent('evt_1'))), { timeout: 5000 })
    expectDuplicate(await inbox.send(seedEvent('evt_2')))
    expect(inbox.handled).toEqual(['evt_1', 'evt_2'])
  })

  test('is leased for as long as its sender waits', async () => {
    const finish = gate()
    const inbox = await startInbox({ ...handled(), handler: () => finish.opened })
    const sent = inbox.send(seedEvent('evt_1'))
    await eventually(() => expect(inbox.handled).toEqual(['evt_1']))
    const { event, deliveries } = (await inbox.store.get(1))!
    expect(deliveries[0]!.leaseUntilMs! - event.receivedMs).toBe(10_000)
    finish.open()
    await sent
  })
})

/** Long enough for a copy to find the lease. */
const LEASE_MS = 1000

/** What a process that died has left: an event that its request had leased. */
function leasedBySomebody(leaseMs: number): Parameters<Inbox['store']['put']>[0][number] {
  return {
    tenant: '',
    source: 'vastai',
    id: 'evt_1',
    idKind: 'signed',
    type: 'resource.created',
    createdMs: undefined,
    orderingKey: undefined,
    onDead: undefined,
    verifiedBy: 'vastai-template',
    body: Buffer.from(seedBody('evt_1')),
    headers: [],
    dedupeWindowMs: 1e9,
    onConflict: 'hold',
    destinations: ['handlers'],
    lease: { destination: 'handlers', leaseMs },
  }
}

describe('a conflict', () => {
  test('that is held is answered 200, and runs nothing', async () => {
    const inbox = await startInbox(handled())
    await inbox.send(seedEvent('evt_1'))
    expectReceived(await inbox.send(seedEvent('evt_1', { data: { other: true } })))
    expect(inbox.handled).toEqual(['evt_1'])
  })

  test('that is dispatched is handled before its answer', async () => {
    const inbox = await startInbox(handled({ onConflict: 'dispatch' }))
    await inbox.send(seedEvent('evt_1'))
    expectReceived(await inbox.send(seedEvent('evt_1', { data: { other: true } })))
    expect(await statesOf(inbox, 2)).toEqual(['succeeded'])
  })
})

test('an event that nothing handles is answered 200', async () => {
  const inbox = await startInbox(handled())
  expectReceived(await inbox.send(seedEvent('evt_1', { type: 'resource.unknown' })))
  expect(await statesOf(inbox)).toEqual([])
})

test('one that must wait for an earlier one of its key is answered 503, and 200 once that is done', async () => {
  const ordered = handled({ orderBy: { json: ['data', 'resource'] } })
  const inbox = await startInbox({ ...ordered, handler: failing(1) })
  expectUnavailable(await inbox.send(seedEvent('evt_1')))
  expectUnavailable(await inbox.send(seedEvent('evt_2')))
  expect(reasonsOf(inbox)).toEqual(['handler_failed', 'in_progress'])
  expectDuplicate(await inbox.send(seedEvent('evt_1')))
  expectDuplicate(await inbox.send(seedEvent('evt_2')))
  expect(inbox.handled).toEqual(['evt_1', 'evt_1', 'evt_2'])
})

test('without a worker, a drain runs what its sender never sent again', async () => {
  const inbox = await startInbox({ ...handled(), handler: failing(1) })
  expectUnavailable(await inbox.send(seedEvent('evt_1')))
  expect(await inbox.postern.drain()).toBe(1)
  expect(await statesOf(inbox)).toEqual(['succeeded'])
  expectDuplicate(await inbox.send(seedEvent('evt_1')))
})

timedTest(
  'a handler that is slower than its sender waits is a 503 a second before that, and is told by its signal',
  async () => {
    const finish = gate()
    onTestFinished(finish.open)
    const reasons: unknown[] = []
    const source = custom({ secret: SECRET, ack: 'handled', ...SLOW })
    const patient = { ...source, provider: { ...source.provider, senderTimeoutMs: 2000 } }
    const inbox = await startInbox({
      sources: { vastai: patient },
      handler: (_event, { signal }) => {
        signal.addEventListener('abort', () => reasons.push((signal.reason as Error).name))
        return finish.opened
      },
    })
    const startedMs = performance.now()
    expectUnavailable(await inbox.send(slowRequest()))
    expect(performance.now() - startedMs).toBeGreaterThan(500)
    expect(performance.now() - startedMs).toBeLessThan(2000)
    expect(reasons).toEqual(['TimeoutError'])
    expect(await statesOf(inbox)).toEqual(['pending'])
  },
)

const SLOW = {
  scheme: bodyScheme,
  envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
} as const

function slowRequest(): Outgoing {
  const body = Buffer.from(seedBody('evt_1'))
  const signature = createHmac('sha256', SECRET).update(body).digest('hex')
  return { method: 'POST', path: '/webhooks/vastai', headers: [['X-Signature', signature]], body }
}

test('effects are there once, with the settle', async () => {
  const folder = tempFolder()
  const file = join(folder, 'postern.db')
  makeEffectTable(file)
  const inbox = await startInbox({
    ...handled(),
    folder,
    handler: ({ id }, { tx, attempt }) =>
      tx({ sql: 'INSERT INTO effect (id, attempt) VALUES (?, ?)', params: [id, attempt] }),
  })
  for (let copy = 0; copy < 3; copy += 1) await inbox.send(seedEvent('evt_1'))
  expect(outcomesOf(inbox)).toEqual(['succeeded'])
  await inbox.stop()
  expect([...(await readStored(file)).effects]).toEqual([['evt_1', 1]])
})

test('a settle that fails is no 200', async () => {
  const inbox = await startInbox({
    ...handled(),
    handler: (_event, { tx }) => tx({ sql: 'INSERT INTO nowhere VALUES (1)' }),
  })
  expectUnavailable(await inbox.send(seedEvent('evt_1')))
  expect(await statesOf(inbox)).toEqual(['pending'])
})

test('a started worker leaves alone what a request has leased, and runs what it failed', async () => {
  const inbox = await startInbox({ ...handled(), handler: failing(1) })
  await inbox.postern.start()
  expectUnavailable(await inbox.send(seedEvent('evt_1')))
  await eventually(async () => expect(await statesOf(inbox)).toEqual(['succeeded']))
  expect(inbox.handled).toEqual(['evt_1', 'evt_1'])
})

test('a stop while a handler runs for its sender waits for it, and the sender gets its 200', async () => {
  const finish = gate()
  const inbox = await startInbox({ ...handled(), handler: () => finish.opened })
  const sent = inbox.send(seedEvent('evt_1'))
  await eventually(() => expect(inbox.handled).toEqual(['evt_1']))
  const stopped = inbox.postern.stop()
  expectUnavailable(await inbox.send(seedEvent('evt_2')))
  finish.open()
  expectReceived(await sent)
  await stopped
})

test('a stop whose grace such a handler outlasts is a 503, and the event the next start’s, as if it had not been tried', async () => {
  const folder = tempFolder()
  const reasons: unknown[] = []
  const inbox = await startInbox({
    ...handled(),
    folder,
    handler: (_event, { signal }) => {
      signal.addEventListener('abort', () => reasons.push(signal.reason))
      return new Promise<never>(() => {})
    },
  })
  const sent = inbox.send(seedEvent('evt_1'))
  await eventually(() => expect(inbox.handled).toEqual(['evt_1']))
  await inbox.postern.stop({ graceMs: 0 })
  expectUnavailable(await sent)
  expect(reasons).toHaveLength(1)
  const next = await startInbox({ ...handled(), folder })
  const { deliveries } = await next.store.list({ of: 'deliveries', limit: 10 })
  expect(deliveries).toMatchObject([{ state: 'pending', attempt: 0 }])
  expectDuplicate(await next.send(seedEvent('evt_1')))
})

test.for([
  ['its sender waits for the handler', handled()],
  ['it is to run without a claim', {}],
] as const)(
  'what was being put when a stop began, where %s, is not begun, and is the next start’s',
  async ([, sources]) => {
    const folder = tempFolder()
    const [reached, disk] = [gate(), gate()]
    const inbox = await startInbox({
      ...sources,
      folder,
      wrap: (store) =>
        replacing(store, {
          put: async (events) => {
            reached.open()
            await disk.opened
            return store.put(events)
          },
        }),
    })
    await inbox.postern.start()
    const sent = inbox.send(seedEvent('evt_1'))
    await reached.opened
    const stopped = inbox.postern.stop()
    disk.open()
    expect((await sent).status).toBe('sources' in sources ? 503 : 200)
    await stopped
    expect(inbox.handled).toEqual([])
    const next = await startInbox({ ...sources, folder })
    const { deliveries } = await next.store.list({ of: 'deliveries', limit: 10 })
    expect(deliveries).toMatchObject([{ state: 'pending', attempt: 0 }])
  },
)

test('destinations with a name are not waited for, and run beside', async () => {
  const store = sqlite(join(tempFolder(), 'postern.db'))
  const finish = gate()
  const ran: string[] = []
  const postern = createPostern({
    store,
    ...handled(),
    now: () => NOW_MS,
    handlers: (on) => [
      on('vastai', '*', () => void ran.push('handlers')),
      on('vastai', '*', () => (ran.push('audit'), finish.opened), { name: 'audit' }),
    ],
  })
  onTestFinished(async () => {
    finish.open()
    await postern.stop()
  })
  await postern.start()
  expect((await postern.fetch(fetched(seedEvent('evt_1')))).status).toBe(200)
  expect(ran).toContain('handlers')
  await eventually(() => expect(ran).toContain('audit'))
  const states = async (): Promise<unknown> =>
    (await store.get(1))!.deliveries.map(({ destination, state }) => [destination, state])
  expect(await states()).toEqual([
    ['handlers', 'succeeded'],
    ['audit', 'leased'],
  ])
  // A copy waits for it no more than the first did.
  expect(await (await postern.fetch(fetched(seedEvent('evt_1')))).json()).toEqual({
    received: true,
    duplicate: true,
  })
})

test('where only destinations with a name handle the type, the answer comes after the commit', async () => {
  const store = sqlite(join(tempFolder(), 'postern.db'))
  const postern = createPostern({
    store,
    ...handled(),
    now: () => NOW_MS,
    handlers: (on) => [on('vastai', '*', () => {}, { name: 'audit' })],
  })
  onTestFinished(() => postern.stop())
  expect((await postern.fetch(fetched(seedEvent('evt_1')))).status).toBe(200)
  expect((await store.get(1))!.deliveries).toMatchObject([{ destination: 'audit', state: 'pending' }])
})

timedTest(
  'a store that is too slow to record it is a 503 within 2.5 s; the copy that comes then finds it',
  async () => {
    const disk = gate()
    let isSlow = true
    const inbox = await startInbox({
      ...handled(),
      isQuiet: false,
      wrap: (store) =>
        replacing(store, {
          put: async (events) => {
            if (isSlow) await disk.opened
            return store.put(events)
          },
        }),
    })
    const startedMs = performance.now()
    expectUnavailable(await inbox.send(seedEvent('evt_1')))
    expect(performance.now() - startedMs).toBeLessThan(3000)
    isSlow = false
    expectReceived(await inbox.send(seedEvent('evt_1')))
    // The first one's commit comes late, and is the second one's copy.
    disk.open()
    await eventually(async () => expect((await inbox.store.get(1))!.duplicates).toBe(1))
    expect(inbox.handled).toEqual(['evt_1'])
  },
)

timedTest(
  'a store that is too slow to settle it is a 503 before its sender gives up, and its copy a duplicate once it is settled',
  async () => {
    const disk = gate()
    const source = custom({ secret: SECRET, ack: 'handled', ...SLOW })
    const inbox = await startInbox({
      sources: { vastai: { ...source, provider: { ...source.provider, senderTimeoutMs: 2500 } } },
      wrap: (store) =>
        replacing(store, {
          settle: async (settlements) => {
            await disk.opened
            return store.settle(settlements)
          },
        }),
    })
    const startedMs = performance.now()
    expectUnavailable(await inbox.send(slowRequest()))
    expect(performance.now() - startedMs).toBeLessThan(2500)
    disk.open()
    await eventually(async () => expect(await statesOf(inbox)).toEqual(['succeeded']))
    expectDuplicate(await inbox.send(slowRequest()))
    expect(inbox.handled).toEqual(['evt_1'])
  },
)

test('copies at once beside a started worker, with failures, never run it twice at a time', async () => {
  let running = 0
  let most = 0
  let left = 3
  const inbox = await startInbox({
    ...handled(),
    retry: { baseMs: 0, capMs: 0 },
    handler: async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      left -= 1
      if (left >= 0) throw new Error('not yet')
    },
  })
  await inbox.postern.start()
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(Array.from({ length: 8 }, () => inbox.send(seedEvent('evt_1'))))
  }
  await eventually(async () => expect(await statesOf(inbox)).toEqual(['succeeded']))
  expect(most).toBe(1)
  expect(outcomesOf(inbox).filter((outcome) => outcome === 'succeeded')).toHaveLength(1)
  expectDuplicate(await inbox.send(seedEvent('evt_1')))
})

timedTest(
  'a process that is killed during the handler: copies are 503 for as long as the sender would have waited, then one runs it',
  async () => {
    const file = join(tempFolder(), 'inbox.db')
    const options = {
      place: file,
      secret: SECRET,
      reportsHandling: true,
      startsWorker: false,
      ack: 'handled',
    } as const
    const doomed = await ChildServer.start({ ...options, senderTimeoutMs: 2000 })
    onTestFinished(() => doomed.kill())
    // Before the other dies: a start takes longer than the lease on a machine that is busy.
    const other = await ChildServer.start({ ...options, senderTimeoutMs: 2000, isHarmless: true })
    onTestFinished(() => other.kill())
    const first = (await SignedConnection.open(doomed.port, SECRET))!
    const second = (await SignedConnection.open(other.port, SECRET))!
    const cut = first.send('killed_1')
    await doomed.ended
    expect(await cut).toBeUndefined()
    const diedMs = performance.now()
    const statuses: (number | undefined)[] = []
    await vi.waitFor(
      async () => {
        const status = (await second.send('killed_1'))?.status
        statuses.push(status)
        expect(status).toBe(200)
      },
      { timeout: 20_000, interval: 50 },
    )
    second.close()
    expect(performance.now() - diedMs).toBeLessThan(2000 + 1000)
    expect(new Set(statuses)).toEqual(new Set([503, 200]))
    expect(other.handling.map(({ attempt }) => attempt)).toEqual([2])
  },
)

function fetched({ path, headers, body }: Outgoing): Request {
  const sent = new Headers(headers.map(([name, value]): [string, string] => [name, value]))
  return new Request(`http://localhost${path}`, {
    method: 'POST',
    headers: sent,
    body: Uint8Array.from(body),
  })
}
