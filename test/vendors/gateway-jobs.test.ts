import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/servers/free-port.ts'
import { commandLine } from './command-line.ts'
import { COREWEAVE_TOKEN, CoreweaveStandIn, DESTINATION } from './coreweave-stand-in.ts'
import { VAST_KEY, VastaiStandIn } from './vastai-stand-in.ts'

const SECRET = 'a secret of more than sixteen bytes'

let folder: string
let vast: VastaiStandIn
let coreweave: CoreweaveStandIn
let origins: { readonly vast: string; readonly coreweave: string }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-jobs-'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(
    join(folder, 'postern.config.mjs'),
    `import { coreweaveQueue, defineConfig, pullOnly, vastaiInstances } from '@postern/gateway'
import { coreweaveAlerts, vastai } from 'postern/providers'
export const config = defineConfig({
  sources: { vastai: vastai(), alerts: pullOnly(coreweaveAlerts({ header: 'x-none', type: ['alertName'] })) },
  pull: { alerts: coreweaveQueue({ destinationId: '${DESTINATION}' }) },
  reconcile: { vastai: vastaiInstances() },
  handlers: (on) => [on('vastai', '*', () => {}), on('alerts', '*', () => {})],
})
`,
  )
  vast = new VastaiStandIn(() => '')
  coreweave = new CoreweaveStandIn()
  origins = { vast: await vast.listen(), coreweave: await coreweave.listen() }
  onTestFinished(async () => {
    await Promise.all([vast.close(), coreweave.close()])
    rmSync(folder, { recursive: true, force: true })
  })
})

test('a gateway pulls its queue and reconciles after a hint while it serves, and stops in order', async () => {
  vast.instances = [{ id: 48927380, actual_status: 'running' }]
  const [port, admin] = [await freePort(), await freePort()]
  const gateway = aGateway({ PORT: String(port), POSTERN_ADMIN: `127.0.0.1:${admin}` })
  const events = async (type: string): Promise<{ readonly id: string; readonly verifiedBy: string }[]> => {
    const response = await fetch(`http://127.0.0.1:${admin}/api/events?type=${type}`).catch(() => undefined)
    return response === undefined ? [] : ((await response.json()) as { events: never[] }).events
  }

  coreweave.alert('m-1')
  await until(async () => coreweave.acknowledged.length === 1)
  expect(await events('GPUFellOffBus')).toMatchObject([
    { id: `${DESTINATION}/m-1`, verifiedBy: 'record:coreweave-queue' },
  ])

  await until(async () => vast.asked.some(({ path }) => path === '/api/v1/instances/'))
  // Whatever the first look is at, it has ended by the time that a second one is asked for.
  await until(async () => (await gateway.state()) !== undefined)
  vast.instances[0]!.actual_status = 'exited'
  expect(await deliver(port)).toBe(200)
  await until(async () => (await events('reconciled.instance_changed')).length === 1)

  expect(await gateway.stop()).toBe(0)
  for (const secret of [VAST_KEY, COREWEAVE_TOKEN, SECRET]) expect(gateway.printed()).not.toContain(secret)
})

test.each([
  ['VAST_API_KEY', { VAST_API_KEY: '' }],
  ['COREWEAVE_API_TOKEN', { COREWEAVE_API_TOKEN: '' }],
])('without %s a gateway refuses to start, and doctor says so', async (variable, env) => {
  const more = { PORT: '0', POSTERN_ADMIN: '127.0.0.1:0', ...env }
  const { code, stderr } = await aGateway(more).ended
  expect(code).toBe(1)
  expect(stderr).toContain(`${variable}: is not set`)
  const doctor = await aCommandLine().run(['doctor'], more)
  expect(doctor.code).toBe(1)
  expect(doctor.stdout).toMatch(new RegExp(`fail +${variable} +is not set`))
})

test('doctor is content with a configuration that pulls and reconciles', async () => {
  const { code, stdout } = await aCommandLine().run(['doctor'], { PORT: '0' })
  expect(stdout).toMatch(/ok +pull.alerts +has the key of CoreWeave Alerts's API from COREWEAVE_API_TOKEN/)
  expect(code).toBe(0)
})

function aCommandLine(changed: Parameters<typeof commandLine>[1] = {}): ReturnType<typeof commandLine> {
  const env = { VAST_API_KEY: VAST_KEY, COREWEAVE_API_TOKEN: COREWEAVE_TOKEN, VASTAI_WEBHOOK_SECRET: SECRET }
  return commandLine(
    { cwd: folder, origin: '', env },
    {
      vendors: {
        originOf: (origin) => (origin.includes('vast') ? origins.vast : origins.coreweave),
        // As many looks as would take days, but never two at once.
        pause: (ms, signal) => wait(Math.min(ms / 1000, 500), undefined, { ...(signal && { signal }) }),
      },
      ...changed,
    },
  )
}

function aGateway(env: Readonly<Record<string, string>>): {
  readonly ended: Promise<{ readonly code: number; readonly stderr: string }>
  stop(): Promise<number>
  printed(): string
  state(): Promise<unknown>
} {
  let signal: (name: string) => void = () => {}
  const cli = aCommandLine({
    onSignal: (listener) => {
      signal = listener
      return () => {}
    },
  })
  const ended = cli.run(['serve'], env)
  return {
    ended,
    stop: async () => {
      signal('SIGTERM')
      return (await ended).code
    },
    printed: cli.printed,
    state: async () => {
      const { sqlite } = await import('postern/sqlite')
      const store = sqlite(join(folder, '.postern/postern.db'))
      const found = await store.state.get('reconcile/vastai')
      await store.close()
      return found
    },
  }
}

/** Vast.ai's `outbid` of another instance: a hint, and nothing more. */
async function deliver(port: number): Promise<number> {
  const seconds = String(Math.floor(Date.now() / 1000))
  const body = JSON.stringify({
    event_id: 'e-1',
    notif_type: 'outbid',
    subject: 'Outbid',
    message: '',
    timestamp: 1,
  })
  const signature = createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex')
  const headers = { 'x-vast-timestamp': seconds, 'x-vast-signature-256': `sha256=${signature}` }
  return (await fetch(`http://127.0.0.1:${port}/webhooks/vastai`, { method: 'POST', body, headers })).status
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((go) => setImmediate(go))
}
