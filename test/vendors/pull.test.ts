import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createPostern, type Postern } from 'postern'
import { memory, type MemoryStore } from 'postern/memory'
import { coreweaveAlerts } from 'postern/providers'
import { sqlite } from 'postern/sqlite'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ApiClient } from '../../packages/gateway/src/vendors/api-client.ts'
import { coreweaveQueue } from '../../packages/gateway/src/vendors/coreweave/alerts-queue.ts'
import { pullOnly } from '../../packages/gateway/src/vendors/pull-only.ts'
import { Puller } from '../../packages/gateway/src/vendors/pull-queue.ts'
import { VendorJobs } from '../../packages/gateway/src/vendors/vendor-jobs.ts'
import { commandLine } from './command-line.ts'
import { COREWEAVE_TOKEN, CoreweaveStandIn, DESTINATION } from './coreweave-stand-in.ts'
import type { Fault } from './stand-in-server.ts'

const SOURCE = 'coreweave-alerts'
const QUEUE = coreweaveQueue({ destinationId: DESTINATION })
const NEVER = new AbortController().signal
/** The vendor's answer never comes. */
const LOST_ACKNOWLEDGEMENT: Fault = {
  when: 'before',
  path: /ack$/,
  does: (response) => void response.socket?.destroy(),
}

let coreweave: CoreweaveStandIn
let origin: string
let handled: string[] = []
let warned: string[] = []

beforeEach(async () => {
  coreweave = new CoreweaveStandIn()
  origin = await coreweave.listen()
  handled = []
  warned = []
  onTestFinished(() => coreweave.close())
})

describe('what waits in a queue', () => {
  test('is recorded exactly as it came, handled, and then acknowledged', async () => {
    coreweave.alert('m-1', '"alertName" : "GPUFellOffBus",  "serial":12345678901234567890')
    const { puller, postern, store } = aPuller()
    expect(await puller.drain(NEVER)).toEqual({
      stored: 1,
      duplicates: 0,
      conflicts: 0,
      skipped: 0,
      acknowledged: 1,
    })
    await postern.drain()
    const { event } = (await store.get(1))!
    expect(event).toMatchObject({
      id: `${DESTINATION}/m-1`,
      type: 'GPUFellOffBus',
      verifiedBy: 'record:coreweave-queue',
    })
    expect(Buffer.from(event.body).toString()).toBe(
      '{"messageId": "m-1", "alertName" : "GPUFellOffBus",  "serial":12345678901234567890}',
    )
    expect(handled).toEqual([`${DESTINATION}/m-1`])
    expect(coreweave.acknowledged).toEqual(['m-1'])
  })

  test('is taken page after page, until nothing is left', async () => {
    for (let number = 0; number < 250; number += 1) coreweave.alert(`m-${number}`)
    const { puller } = aPuller()
    expect(await puller.drain(NEVER)).toMatchObject({ stored: 250, acknowledged: 250 })
    expect(coreweave.queue.size).toBe(0)
  })

  test('is in the store before the vendor is told to forget it', async () => {
    const { puller, store } = aPuller()
    for (let number = 0; number < 150; number += 1) coreweave.alert(`m-${number}`)
    const missing: string[] = []
    coreweave.onAcknowledge = async (ids) => {
      const { events } = await store.list({ of: 'events', limit: 1000 })
      const stored = new Set(events.map(({ id }) => id))
      missing.push(...ids.filter((id) => !stored.has(`${DESTINATION}/${id}`)))
    }
    await puller.drain(NEVER)
    expect(missing).toEqual([])
    expect(coreweave.acknowledged).toHaveLength(150)
  })

  test('stays there while the store takes nothing', async () => {
    const store = memory()
    store.put = () => Promise.reject(new Error('disk full'))
    coreweave.alert('m-1')
    expect(await aPuller(store).puller.drain(NEVER)).toMatchObject({ acknowledged: 0, failure: 'disk full' })
    expect(coreweave.queue.has('m-1')).toBe(true)
    expect(coreweave.asked.some(({ path }) => path.endsWith('/ack'))).toBe(false)
  })

  test('comes again where the acknowledgement was lost, as a duplicate that is handled once', async () => {
    coreweave.alert('m-1')
    coreweave.fault(LOST_ACKNOWLEDGEMENT)
    const { puller, postern } = aPuller()
    expect(await puller.drain(NEVER)).toMatchObject({
      stored: 1,
      acknowledged: 0,
      failure: expect.any(String) as string,
    })
    expect(await puller.drain(NEVER)).toMatchObject({ stored: 0, duplicates: 1, acknowledged: 1 })
    await postern.drain()
    expect(handled).toEqual([`${DESTINATION}/m-1`])
  })

  test.each([
    ['without an id', '{"alertName":"x"}'],
    ['with an id that is none', '{"messageId":{"a":1}}'],
    ['that is no object', '"text"'],
    ['longer than its source takes', `{"messageId":"odd","text":"${'x'.repeat(70_000)}"}`],
  ])('a message %s is left there, said once, and in nobody’s way', async (_, text) => {
    coreweave.queue.set('odd', text)
    coreweave.alert('m-1')
    const { puller } = aPuller()
    expect(await puller.drain(NEVER)).toMatchObject({ stored: 1, skipped: 1, acknowledged: 1 })
    expect(await puller.drain(NEVER)).toMatchObject({ stored: 0, skipped: 1, acknowledged: 0 })
    expect(coreweave.queue.has('odd')).toBe(true)
    expect(warned).toHaveLength(1)
  })

  test('an id that no store could keep is told by its digest', async () => {
    for (const id of ['x'.repeat(300), 'nul\0', '\uD800']) coreweave.alert(id)
    const { puller, store } = aPuller()
    expect(await puller.drain(NEVER)).toMatchObject({ stored: 3, acknowledged: 3 })
    const { events } = await store.list({ of: 'events', limit: 10 })
    expect(new Set(events.map(({ id }) => /^dest-7f3a\/sha256:[0-9a-f]{64}$/.test(id)))).toEqual(
      new Set([true]),
    )
  })

  test.each([
    ['a page of something else', '<html>'],
    ['a list that is none', '{"messages":{"0":{}}}'],
    ['no object', '[]'],
  ])('is not there where the API answers %s', async (_, body) => {
    coreweave.fault({ when: 'before', times: 9, does: (response) => void response.end(body) })
    expect(await aPuller().puller.drain(NEVER)).toMatchObject({
      stored: 0,
      failure: expect.stringContaining('usable') as string,
    })
  })

  test('a vendor that forgets nothing is not asked in a circle', async () => {
    coreweave.alert('m-1')
    coreweave.fault({
      when: 'before',
      path: /ack$/,
      times: 99,
      does: (response) => void response.end('{"acked":0}'),
    })
    await aPuller().puller.drain(NEVER)
    expect(coreweave.asked.filter(({ method }) => method === 'GET')).toHaveLength(1)
  })
})

describe('a gateway that pulls', () => {
  test('waits out failures, longer each time, and takes everything once it can', async () => {
    coreweave.alert('m-1')
    coreweave.fault({ when: 'before', times: 12, does: (response) => void response.writeHead(503).end() })
    const waits: number[] = []
    const { postern, store } = aPuller()
    const jobs = pulling(postern, store, async (ms) => {
      waits.push(ms)
      await new Promise((go) => setImmediate(go))
    })
    jobs.start()
    await until(() => coreweave.acknowledged.length === 1)
    await jobs.stop()
    const between = waits.filter((ms) => ms >= 15_000)
    expect(between.slice(0, 3)).toEqual([30_000, 60_000, 120_000])
    expect(warned.length).toBeGreaterThan(0)
  })

  test('finishes what it has stored when it is stopped', async () => {
    for (let number = 0; number < 100; number += 1) coreweave.alert(`m-${number}`)
    const { postern, store } = aPuller()
    let stopped: Promise<void> | undefined
    const put = store.put.bind(store)
    store.put = (events) => {
      stopped ??= jobs.stop()
      return put(events)
    }
    const jobs = pulling(postern, store)
    jobs.start()
    await until(() => stopped !== undefined)
    await stopped
    expect(coreweave.acknowledged).toHaveLength(100)
    expect((await store.list({ of: 'events', limit: 1000 })).events).toHaveLength(100)
  })

  test('takes no requests for a source that is only pulled', async () => {
    const { postern } = aPuller()
    const answer = await postern.fetch(
      new Request(`http://inbox/webhooks/${SOURCE}`, { method: 'POST', body: '{}' }),
    )
    expect(answer.status).toBe(401)
  })
})

describe('postern pull', () => {
  test('killed between the commit and the acknowledgement, the next run finds duplicates and acknowledges them', async () => {
    const folder = aFolder()
    for (let number = 0; number < 20; number += 1) coreweave.alert(`m-${number}`)
    const env = { ...process.env, COREWEAVE_API_TOKEN: COREWEAVE_TOKEN }
    const script = resolve('test/support/pulling-process.mjs')
    const child = spawn(process.execPath, [script, origin, 'pull', SOURCE], {
      cwd: folder,
      env,
      stdio: 'ignore',
    })
    const ended = new Promise((done) => child.on('exit', (_code, signal) => done(signal)))
    coreweave.fault({ when: 'before', path: /ack$/, does: () => void child.kill('SIGKILL') })
    expect(await ended).toBe('SIGKILL')
    expect(coreweave.acknowledged).toEqual([])

    const cli = commandLine({ cwd: folder, origin, env: { COREWEAVE_API_TOKEN: COREWEAVE_TOKEN } })
    const { code, stdout } = await cli.run(['pull', SOURCE, '--json'])
    expect(JSON.parse(stdout)).toEqual({
      stored: 0,
      duplicates: 20,
      conflicts: 0,
      skipped: 0,
      acknowledged: 20,
    })
    expect(code).toBe(0)
    expect(coreweave.queue.size).toBe(0)
    const store = sqlite(join(folder, '.postern/postern.db'))
    expect((await store.list({ of: 'events', limit: 100 })).events).toHaveLength(20)
    expect((await store.list({ of: 'deliveries', limit: 100 })).deliveries).toHaveLength(40)
    await store.close()
  })

  test('says what is missing, and never the token', async () => {
    const cli = commandLine({ cwd: aFolder(), origin, env: {} })
    expect(await cli.run(['pull', SOURCE])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('COREWEAVE_API_TOKEN: is not set') as string,
    })
    expect((await cli.run(['pull', 'vastai'], { COREWEAVE_API_TOKEN: COREWEAVE_TOKEN })).code).toBe(2)
    const wrong = await cli.run(['pull', SOURCE], { COREWEAVE_API_TOKEN: 'another-token-0123' })
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('did not take the key') as string,
    })
    const broken = await cli.run(['pull', SOURCE], { COREWEAVE_API_TOKEN: `${COREWEAVE_TOKEN}\nx` })
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('is no API key') as string })
    for (const secret of [COREWEAVE_TOKEN, 'another-token']) expect(cli.printed()).not.toContain(secret)
  })
})

function aPuller(store: MemoryStore = memory()): { puller: Puller; postern: Postern; store: MemoryStore } {
  const postern = createPostern({
    store,
    sources: {
      [SOURCE]: pullOnly(coreweaveAlerts({ header: 'x-none', type: ['alertName'], maxBodyBytes: 65_536 })),
    },
    handlers: (on) => [on(SOURCE, '*', ({ id }) => void handled.push(id))],
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  onTestFinished(() => postern.stop({ graceMs: 0 }))
  const client = new ApiClient({ origin, key: COREWEAVE_TOKEN, pause: async () => {} })
  const record: Postern['record'] = (source, recording) => postern.record(source, recording)
  const puller = new Puller({
    queue: QUEUE,
    source: SOURCE,
    client,
    finishing: client,
    record,
    log: warnings,
  })
  return { puller, postern, store }
}

function pulling(postern: Postern, store: MemoryStore, pause?: (ms: number) => Promise<void>): VendorJobs {
  return new VendorJobs({
    config: { pull: { [SOURCE]: QUEUE }, reconcile: undefined },
    clientOf: ({ signal }) => new ApiClient({ origin, key: COREWEAVE_TOKEN, signal, pause: async () => {} }),
    record: (source, recording) => postern.record(source, recording),
    store,
    log: warnings,
    random: () => 1,
    ...(pause !== undefined && { pause }),
  })
}

const warnings = { debug() {}, info() {}, warn: (message: string) => void warned.push(message), error() {} }

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-pull-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(
    join(folder, 'postern.config.mjs'),
    `import { coreweaveQueue, defineConfig, pullOnly } from '@postern/gateway'
import { coreweaveAlerts } from 'postern/providers'
export const config = defineConfig({
  sources: { '${SOURCE}': pullOnly(coreweaveAlerts({ header: 'x-none' })) },
  pull: { '${SOURCE}': coreweaveQueue({ destinationId: '${DESTINATION}' }) },
  handlers: (on) => [on('${SOURCE}', '*', () => {})],
  destinations: { billing: { url: 'https://billing.example.com/hooks', from: [{ source: '${SOURCE}' }] } },
})
`,
  )
  return folder
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((go) => setImmediate(go))
}
