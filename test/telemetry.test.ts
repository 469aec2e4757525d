import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { postern, startGateway, type Gateway } from './support/gateway.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const SECRET = 'serve_secret_0123456789abcdef'
const CONFIG = `
import { vastai } from 'postern/providers'
export const config = {
  sources: { vastai: vastai({ secret: '${SECRET}' }) },
  handlers: (on) => [on('vastai', '*', () => {}, { name: 'audit' })],
}
`
/** A user's own, as \`--import\` loads it: spans go to the standard output. */
const TELEMETRY = `
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
const exporter = {
  export(spans, done) {
    for (const { name, attributes } of spans) console.log('span ' + JSON.stringify({ name, attributes }))
    done({ code: 0 })
  },
  shutdown: async () => {},
}
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
`

let folder: string
let gateway: Gateway

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-telemetry-'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'postern.config.mjs'), CONFIG)
  writeFileSync(join(folder, 'telemetry.mjs'), TELEMETRY)
  gateway = await startGateway(folder, ['serve'], {
    NODE_OPTIONS: `--import=${pathToFileURL(join(folder, 'telemetry.mjs')).href}`,
  })
  const url = `${gateway.origin}/webhooks/vastai`
  await postern(folder, ['trigger', 'vastai', 'outbid', '--id', 'evt_7', '--url', url])
  await gateway.logs(/"msg":"attempted"/)
})
afterAll(async () => {
  await gateway.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('an SDK that is loaded before the gateway gets its spans', async () => {
  const received = await gateway.logs(/span (.*"postern receive vastai".*)/)
  const handled = await gateway.logs(/span (.*"postern handle audit".*)/)
  expect(JSON.parse(received[1] ?? '')).toMatchObject({
    attributes: {
      'postern.event.id': 'evt_7',
      'postern.outcome': 'stored',
      'http.response.status_code': 200,
    },
  })
  expect(JSON.parse(handled[1] ?? '')).toMatchObject({
    attributes: { 'postern.event.id': 'evt_7', 'postern.destination': 'audit', 'postern.attempt': 1 },
  })
})

test('a scraper gets what has happened from the admin listener, and from nowhere else', async () => {
  const answer = await fetch(`${gateway.adminOrigin}/metrics`)
  const text = await answer.text()
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(text).toMatch(/^postern_info\{engine="SQLite [\d.]+",role="all"\} 1$/m)
  expect(text).toContain('postern_events_total{source="vastai",outcome="stored"} 1\n')
  expect(text).toContain('postern_attempts_total{destination="audit",outcome="succeeded"} 1\n')
  expect(text).toMatch(/^postern_commit_sync_duration_seconds_count [1-9]/m)
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m)
  expect((await fetch(`${gateway.origin}/metrics`)).status).toBe(404)
})
