import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import { createPostern, type Postern } from 'postern'
import { memory } from 'postern/memory'
import { vastai } from 'postern/providers'
import { expect, onTestFinished, test } from 'vitest'
import { inboxFamilies } from './inbox-metrics.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { prometheusText, type Family } from './prometheus-text.ts'

/** A parser of the format that is not ours: a port of that of Prometheus' Python client. */
const parse = createRequire(import.meta.url)('parse-prometheus-text-format') as (
  text: string,
) => readonly Parsed[]

interface Parsed {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly metrics: readonly {
    readonly labels?: Readonly<Record<string, string>>
    readonly value?: string
    readonly buckets?: Readonly<Record<string, string>>
    readonly sum?: string
    readonly count?: string
  }[]
}

const SECRET = 'a secret of more than sixteen bytes'

function anInbox(): Postern {
  return createPostern({
    store: memory(),
    sources: { vastai: vastai({ secret: SECRET }) },
    handlers: (on) => [
      on('vastai', '*', () => {}, { name: 'audit' }),
      on(
        'vastai',
        '*',
        () => {
          throw new Error('no')
        },
        { name: 'billing', retry: { attempts: 1 } },
      ),
    ],
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
}

/** In the template's scheme, by Node's own HMAC. */
async function send(postern: Postern, id: string, secret = SECRET): Promise<void> {
  const body = JSON.stringify({ id, type: 'a.type.of.its.own', data: {}, created: 1 })
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  const headers = { 'x-vastai-signature': signature, 'x-vastai-timestamp': timestamp }
  await postern.fetch(new Request('http://localhost/webhooks/vastai', { method: 'POST', headers, body }))
}

async function textOf(postern: Postern): Promise<string> {
  return prometheusText(inboxFamilies(await postern.metrics(), { engine: 'Some "engine" \\ 1', role: 'all' }))
}

function valuesOf(parsed: readonly Parsed[], name: string): readonly unknown[] {
  return parsed
    .find((family) => family.name === name)!
    .metrics.map(({ labels, value }) => [...Object.values(labels ?? {}), Number(value)])
}

test('an independent parser reads what an inbox has done', async () => {
  const postern = anInbox()
  onTestFinished(() => postern.stop({ graceMs: 0 }))
  await send(postern, 'one')
  await send(postern, 'one')
  await send(postern, 'two')
  await send(postern, 'three', 'another secret of sixteen bytes')
  await postern.fetch(new Request('http://localhost/webhooks/none', { method: 'POST' }))
  const before = parse(await textOf(postern))
  await postern.drain()
  const text = await textOf(postern)
  const parsed = parse(text)

  expect(valuesOf(parsed, 'postern_info')).toEqual([['Some "engine" \\ 1', 'all', 1]])
  expect(valuesOf(parsed, 'postern_events_total')).toEqual([
    ['vastai', 'stored', 2],
    ['vastai', 'duplicate', 1],
    ['vastai', 'conflict', 0],
  ])
  expect(valuesOf(parsed, 'postern_rejected_total')).toEqual([
    ['vastai', 'signature_mismatch', '401', 1],
    ['', 'unknown_source', '404', 1],
  ])
  expect(valuesOf(parsed, 'postern_secret_last_matched_timestamp_seconds')).toEqual([
    ['vastai', 'secret', '1', expect.closeTo(Date.now() / 1000, -2)],
  ])
  expect(valuesOf(parsed, 'postern_attempts_total')).toEqual(
    expect.arrayContaining([
      ['audit', 'succeeded', 2],
      ['billing', 'dead', 2],
    ]),
  )
  expect(valuesOf(before, 'postern_deliveries')).toContainEqual(['audit', 'pending', 2])
  expect(valuesOf(parsed, 'postern_deliveries')).toContainEqual(['billing', 'dead', 2])
  expect(valuesOf(parsed, 'postern_orphaned_destinations')).toEqual([[0]])
  expect(parsed.every(({ help }) => help.length > 0)).toBe(true)
})

test('no id, type, URL or body becomes a label: what senders choose makes no series', async () => {
  const postern = anInbox()
  onTestFinished(() => postern.stop({ graceMs: 0 }))
  await send(postern, 'an-id-of-its-own')
  await postern.fetch(new Request('http://localhost/webhooks/some-path?q=1', { method: 'POST', body: '{}' }))
  await postern.drain()
  const text = await textOf(postern)
  expect(text).toContain('postern_attempts_total{')
  for (const theirs of ['an-id-of-its-own', 'a.type.of.its.own', 'some-path', 'localhost', SECRET])
    expect(text).not.toContain(theirs)

  const series = (each: string): number => each.split('\n').filter((line) => !line.startsWith('#')).length
  await send(postern, 'pending')
  const seriesBefore = series(await textOf(postern))
  for (let count = 0; count < 20; count += 1) await send(postern, `id-${count}`)
  expect(series(await textOf(postern))).toBe(seriesBefore)
})

test('a histogram’s buckets hold what the smaller ones do, in seconds', () => {
  const family: Family = {
    type: 'histogram',
    name: 'postern_commit_duration_seconds',
    help: 'a \\ and a\nline',
    histogram: { bounds: [0.005, 0.25], counts: [2, 1, 4], count: 7, sum: 9.5, max: 3 },
  }
  expect(parse(prometheusText([family]))).toEqual([
    {
      name: family.name,
      help: 'a \\ and a\nline',
      type: 'HISTOGRAM',
      metrics: [{ buckets: { '0.005': '2', '0.25': '3', '+Inf': '7' }, sum: '9.5', count: '7' }],
    },
  ])
})

test('what the library measures in milliseconds is told in seconds', async () => {
  const postern = anInbox()
  onTestFinished(() => postern.stop({ graceMs: 0 }))
  const measured = await postern.metrics()
  const acceptMs = { bounds: [2.5], counts: [1, 1], count: 2, sum: 4500, max: 4498 }
  const text = prometheusText(inboxFamilies({ ...measured, acceptMs }, { engine: 'e', role: 'all' }))
  expect(parse(text).find(({ name }) => name === 'postern_accept_duration_seconds')?.metrics).toEqual([
    { buckets: { '0.0025': '1', '+Inf': '2' }, sum: '4.5', count: '2' },
  ])
})

test('hostile label values stay inside their quotes', () => {
  const hostile = 'a"} 7\nevil_total{x="\\'
  const text = prometheusText([
    { type: 'gauge', name: 'one', help: 'h', samples: [{ labels: { source: hostile }, value: 1 }] },
  ])
  expect(text.split('\n')).toHaveLength(4)
  expect(parse(text)).toMatchObject([{ name: 'one', metrics: [{ labels: { source: hostile }, value: '1' }] }])
})

test('a process tells of itself', async () => {
  const metrics = new ProcessMetrics()
  onTestFinished(() => metrics.stop())
  const parsed = parse(prometheusText(await metrics.read()))
  const value = (name: string): number => (valuesOf(parsed, name)[0] as readonly number[])[0] ?? NaN
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
  expect(value('process_cpu_seconds_total')).toBeGreaterThan(0)
  expect(Math.abs(value('process_start_time_seconds') - Date.now() / 1000 + process.uptime())).toBeLessThan(5)
  expect(value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0)
})
