import { createPostern, type Postern } from 'postern'
import { memory, type MemoryStore } from 'postern/memory'
import { vastai } from 'postern/providers'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ApiClient } from '../../packages/gateway/src/vendors/api-client.ts'
import { reconcile, type Reconciled } from '../../packages/gateway/src/vendors/reconciling.ts'
import { vastaiInstances } from '../../packages/gateway/src/vendors/vastai/vastai-instances.ts'
import { VendorJobs } from '../../packages/gateway/src/vendors/vendor-jobs.ts'
import { VAST_KEY, VastaiStandIn } from './vastai-stand-in.ts'

const INSTANCES = vastaiInstances()
const NOW_MS = 1_790_000_000_000

let vast: VastaiStandIn
let origin: string
let store: MemoryStore
let postern: Postern
let handled: { type: string; data: unknown }[] = []

beforeEach(async () => {
  handled = []
  store = memory()
  postern = createPostern({
    store,
    sources: { vastai: vastai({ secret: 'a secret of more than sixteen bytes' }) },
    handlers: (on) => [on('vastai', '*', ({ type, data }) => void handled.push({ type, data }))],
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  vast = new VastaiStandIn(() => 'http://127.0.0.1:1')
  origin = await vast.listen()
  onTestFinished(async () => {
    await vast.close()
    await postern.stop({ graceMs: 0 })
  })
})

describe('what no webhook told', () => {
  test('is recorded as an event of a type of its own, that says what it is, and handled', async () => {
    vast.instances = [
      { id: 312, actual_status: 'running', label: 'train', machine_id: 12, jupyter_token: 's3cret' },
    ]
    expect(await look()).toEqual({ ok: true, isFirst: true, seen: 1, recorded: [], told: 0 })
    vast.instances[0]!.actual_status = 'exited'

    expect(await look()).toMatchObject({
      isFirst: false,
      recorded: [{ id: '312', what: 'changed', from: 'running', to: 'exited' }],
    })
    await postern.drain()
    expect(handled).toEqual([
      {
        type: 'reconciled.instance_changed',
        data: {
          recorded_by: 'postern reconcile',
          instance_id: '312',
          change: 'changed',
          from: 'running',
          to: 'exited',
          intended_status: null,
          label: 'train',
          machine_id: 12,
        },
      },
    ])
    expect((await store.get(1))!.event).toMatchObject({
      id: 'reconciled:instance:312:2:exited',
      verifiedBy: 'record:vastai-instances',
    })
  })

  test('is recorded once, however often it is looked at', async () => {
    vast.instances = [{ id: 1, actual_status: 'running' }]
    await look()
    vast.instances[0]!.actual_status = null
    expect(await recordedNow()).toEqual(['1 running>provisioning'])
    expect(await recordedNow()).toEqual([])
    expect(await recordedNow()).toEqual([])
  })

  test('is an instance that is new, one that is gone, and one that is back', async () => {
    vast.instances = [{ id: 1, actual_status: 'running' }]
    await look()
    vast.instances = [{ id: 2, actual_status: 'loading' }]
    expect(await recordedNow()).toEqual(['2 null>loading', '1 running>null'])
    vast.instances = [
      { id: 1, actual_status: 'running' },
      { id: 2, actual_status: 'loading' },
    ]
    expect(await recordedNow()).toEqual(['1 null>running'])
    vast.instances = [{ id: 2, actual_status: 'loading' }]
    expect(await recordedNow()).toEqual(['1 running>null'])
    expect(await ids()).toEqual(
      ['1:2:gone', '1:3:running', '1:4:gone', '2:1:loading'].map((id) => `reconciled:instance:${id}`),
    )
  })

  test('is seen over all pages, and nothing but what is needed is asked for', async () => {
    vast.instances = Array.from({ length: 60 }, (_, index) => ({
      id: index + 1,
      actual_status: 'running',
      jupyter_token: 's3cret',
    }))
    expect(await look()).toMatchObject({ seen: 60 })
    expect(vast.asked).toHaveLength(3)
    expect(vast.asked[0]!.query.get('select_cols')).not.toMatch(/jupyter|env|\*/)
    vast.instances[59]!.actual_status = 'offline'
    expect(await recordedNow()).toEqual(['60 running>offline'])
    const { events } = await store.list({ of: 'events', limit: 10 })
    expect(Buffer.from((await store.get(events[0]!.eventSeq))!.event.body).toString()).not.toContain('s3cret')
  })

  test('is recorded after a crash that forgot it, as a duplicate', async () => {
    vast.instances = [{ id: 1, actual_status: 'running' }]
    await look()
    vast.instances[0]!.actual_status = 'offline'
    const set = store.state.set.bind(store.state)
    store.state.set = () => Promise.reject(new Error('crashed'))
    await expect(look()).rejects.toThrow('crashed')
    store.state.set = set
    expect(await look()).toMatchObject({ ok: true, recorded: [] })
    expect(await ids()).toEqual(['reconciled:instance:1:2:offline'])
    expect(await look()).toMatchObject({ recorded: [], told: 0 })
  })

  test('is recorded once by many nodes that look at once', async () => {
    vast.instances = [{ id: 1, actual_status: 'running' }]
    await look()
    vast.instances[0]!.actual_status = 'offline'
    await Promise.all([look(), look(), look()])
    expect(await ids()).toEqual(['reconciled:instance:1:2:offline'])
  })
})

describe('what a webhook told', () => {
  test('is not recorded a second time', async () => {
    vast.instances = [{ id: 48927380, actual_status: 'running' }]
    await look()
    vast.instances[0]!.actual_status = 'exited'
    await deliver('outbid', 'Your Interruptible Instance #48927380 Has Been Outbid')
    expect(await look()).toMatchObject({ recorded: [], told: 1 })
  })

  test.each([
    ['of another instance', 'outbid', 'Instance #489273801 Has Been Outbid'],
    ['of no instance', 'outbid', 'An Instance Has Been Outbid'],
    ['of something else', 'instance_online', 'Instance #48927380 is online'],
    ['of the account', 'low_credit', '48927380'],
  ])('does not count where it tells %s', async (_, type, subject) => {
    vast.instances = [{ id: 48927380, actual_status: 'running' }]
    await look()
    vast.instances[0]!.actual_status = 'exited'
    await deliver(type, subject)
    expect(await look()).toMatchObject({ recorded: [{ to: 'exited' }], told: 0 })
  })

  test('tells of one change, whatever else is in its text', async () => {
    vast.instances = [
      { id: 5, actual_status: 'running' },
      { id: 6, actual_status: 'running' },
    ]
    await look()
    await deliver('outbid', 'Instance #5 Has Been Outbid; 6 others were not')
    for (const instance of vast.instances) instance.actual_status = 'exited'
    expect(await look()).toMatchObject({ recorded: [{ id: '6' }], told: 1 })
  })

  test('tells of one change, not of the next one too', async () => {
    vast.instances = [{ id: 5, actual_status: 'running' }]
    await look()
    await deliver('outbid', 'Instance #5 Has Been Outbid')
    vast.instances[0]!.actual_status = 'exited'
    expect(await look()).toMatchObject({ recorded: [], told: 1 })
    vast.instances[0]!.actual_status = 'running'
    expect(await look()).toMatchObject({ recorded: [{ to: 'running' }] })
    vast.instances[0]!.actual_status = 'exited'
    expect(await look()).toMatchObject({ recorded: [{ to: 'exited' }], told: 0 })
  })
})

describe('a look that fails', () => {
  test('in the middle of its pages makes nothing look gone', async () => {
    vast.instances = Array.from({ length: 60 }, (_, index) => ({ id: index + 1, actual_status: 'running' }))
    await look()
    let asked = 0
    vast.fault({
      when: 'after',
      path: /instances/,
      times: 5,
      does: (response) => {
        asked += 1
        if (asked === 1)
          response.end(JSON.stringify({ instances: [], next_token: 'eyJ2YWx1ZXMiOnsiaWQiOjI1fX0=' }))
        else response.writeHead(500).end('down')
      },
    })
    expect(await look()).toMatchObject({ ok: false })
    expect(await recordedNow()).toEqual([])
  })

  test('by a list that does not end is given up', async () => {
    vast.fault({
      when: 'before',
      times: 1000,
      does: (response) => void response.end(JSON.stringify({ instances: [], next_token: 'again' })),
    })
    expect(await look()).toEqual({ ok: false, message: 'its list of instances does not end after 80 pages' })
    expect(vast.asked).toHaveLength(80)
  })

  test('by 429, which Vast.ai answers as plain text, is tried again', async () => {
    vast.fault({
      when: 'before',
      times: 2,
      does: (response) => void response.writeHead(429).end('API requests too frequent'),
    })
    expect(await look()).toMatchObject({ ok: true })
  })
})

describe('a gateway that reconciles', () => {
  test('looks when it starts, by its timer, and soon after a hint; not again where another node just did', async () => {
    vast.instances = [{ id: 1, actual_status: 'running' }]
    const waits: number[] = []
    let nowMs = NOW_MS
    let wake: () => void = () => {}
    const jobs = new VendorJobs({
      config: { pull: undefined, reconcile: { vastai: INSTANCES } },
      clientOf: () => aClient(),
      record: (source, recording) => postern.record(source, recording),
      store,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      now: () => nowMs,
      random: () => 0,
      pause: (ms, signal) =>
        new Promise((resolve, reject) => {
          waits.push(ms)
          wake = resolve
          signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
          if (signal?.aborted === true) reject(new Error('aborted'))
        }),
    })
    jobs.start()
    await until(() => waits.length === 1)
    expect(vast.asked).toHaveLength(1)

    vast.instances[0]!.actual_status = 'offline'
    jobs.hint(accepted('payment_receipt'))
    expect(waits).toEqual([300_000])
    jobs.hint(accepted('outbid'))
    await until(() => waits.length === 2)
    expect(waits).toEqual([300_000, 30_000])
    wake()
    await until(() => waits.length === 3)
    expect(await ids()).toEqual(['reconciled:instance:1:2:offline'])

    jobs.hint(attempted('outbid', 2))
    expect(waits).toHaveLength(3)
    jobs.hint(attempted('outbid', 1))
    await until(() => waits.length === 4)
    expect(waits.at(-1)).toBe(30_000)
    wake()
    await until(() => waits.length === 5)
    expect(vast.asked).toHaveLength(3)

    nowMs += 1000
    wake()
    await until(() => waits.length === 6)
    expect(vast.asked).toHaveLength(3)
    nowMs += 300_000
    wake()
    await until(() => waits.length === 7)
    expect(vast.asked).toHaveLength(4)
    // A clock that was a day ahead when it was looked last, and is right again.
    nowMs -= 86_400_000
    wake()
    await until(() => waits.length === 8)
    expect(vast.asked).toHaveLength(5)
    await jobs.stop()
  })
})

function look(): Promise<Reconciled> {
  return reconcile({
    reconciliation: INSTANCES,
    source: 'vastai',
    client: aClient(),
    record: (source, recording) => postern.record(source, recording),
    store,
    now: () => NOW_MS,
    pause: async () => {},
  })
}

function aClient(): ApiClient {
  return new ApiClient({ origin, key: VAST_KEY, pause: async () => {} })
}

async function recordedNow(): Promise<readonly string[]> {
  const looked = await look()
  return looked.ok ? looked.recorded.map(({ id, from, to }) => `${id} ${from}>${to}`) : [looked.message]
}

async function ids(): Promise<readonly string[]> {
  const { events } = await store.list({ of: 'events', limit: 100 })
  return events
    .map(({ id }) => id)
    .filter((id) => id.startsWith('reconciled'))
    .toSorted()
}

/** A webhook of the vendor's, as it is stored. */
async function deliver(type: string, subject: string): Promise<void> {
  await store.put([
    {
      tenant: '',
      source: 'vastai',
      id: `event-${type}-${subject}`,
      idKind: 'signed',
      type,
      createdMs: undefined,
      orderingKey: undefined,
      onDead: undefined,
      verifiedBy: 'vast-signature-256',
      body: Buffer.from(
        JSON.stringify({ event_id: 'x', notif_type: type, subject, message: '', timestamp: 1 }),
      ),
      headers: [],
      dedupeWindowMs: 1_000_000,
      onConflict: 'hold',
      destinations: [],
    },
  ])
}

function accepted(type: string): Parameters<VendorJobs['hint']>[0] {
  return {
    kind: 'accepted',
    source: 'vastai',
    outcome: 'stored',
    eventSeq: 1,
    id: 'x',
    type,
    verifiedBy: 'vast-signature-256',
    secretIndex: 0,
    deliveries: 1,
    durationMs: 1,
  }
}

/** A delivery of an event that another node took. */
function attempted(type: string, attempt: number): Parameters<VendorJobs['hint']>[0] {
  return {
    kind: 'attempted',
    source: 'vastai',
    eventSeq: 1,
    id: 'x',
    type,
    destination: 'handlers',
    attempt,
    outcome: 'succeeded',
    durationMs: 1,
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((go) => setImmediate(go))
}
