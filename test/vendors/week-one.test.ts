import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGateway, type Gateway } from '../support/gateway.ts'
import { commandLine, type CommandLine } from './command-line.ts'
import { VAST_KEY, VastaiStandIn } from './vastai-stand-in.ts'

const URL_OF_WORLD = 'https://hooks.example.com/webhooks/vastai'

let folder: string
let gateway: Gateway
let vast: VastaiStandIn
let cli: CommandLine

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-week-one-'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  gateway = await startGateway(folder, ['dev'])
  vast = new VastaiStandIn((url) => url.replace('https://hooks.example.com', gateway.origin))
  const origin = await vast.listen()
  const env = { VAST_API_KEY: VAST_KEY, POSTERN_ADMIN: new URL(gateway.adminOrigin).host }
  cli = commandLine({ cwd: folder, origin, env })
})

afterAll(async () => {
  await gateway.stop()
  await vast.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The tests of this file are one week, and run in its order. */
describe('the first week with Vast.ai', () => {
  test('a dry run changes nothing', async () => {
    const { code, stdout } = await cli.run(['register', 'vastai', '--url', URL_OF_WORLD, '--dry-run'])
    expect(code).toBe(0)
    expect(stdout).toContain('client:outbid')
    expect(vast.asked.every(({ method }) => method === 'GET')).toBe(true)
  })

  test('register: the secret is kept, the gateway takes it without a restart, and the vendor’s own test arrives', async () => {
    const { code, stdout, stderr } = await cli.run(['register', 'vastai', '--url', URL_OF_WORLD])
    expect(stderr).toBe('')
    expect(stdout).toMatch(/webhook 42, for 8 events/)
    expect(stdout).toMatch(
      /own test arrived at vastai: webhook_test #\d+, id [0-9a-f]{32}, verified by vast-signature-256/,
    )
    expect(code).toBe(0)
    const path = join(folder, '.postern/secrets.json')
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ vastai: vast.secrets.get(42) })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('register again: it is found, and nothing is made', async () => {
    const { code, stdout } = await cli.run(['register', 'vastai', '--url', URL_OF_WORLD, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      action: 'found',
      webhook: { id: 42 },
      secret: '.postern/secrets.json',
    })
    expect(vast.webhooks).toHaveLength(1)
    expect(vast.told).toHaveLength(1)
  })

  test('a test that the vendor says it sent, and that did not arrive, is no success; one that did is', async () => {
    const line = ['register', 'vastai', '--url', URL_OF_WORLD, '--test', '--json']
    vast.fault({ when: 'before', path: /test/, does: (response) => void response.end('{"success":true}') })
    const lied = await cli.run(line)
    expect(lied.code).toBe(1)
    expect(JSON.parse(lied.stdout)).toMatchObject({
      test: { isPassed: false, why: expect.stringContaining('nothing arrived') as string },
    })
    const sent = await cli.run(line)
    expect(sent.code).toBe(0)
    expect(JSON.parse(sent.stdout)).toMatchObject({ test: { isPassed: true, event: { eventSeq: 2 } } })
  })

  test('its notifications are verified and stored', async () => {
    expect(await vast.notify('outbid', 'Your Interruptible Instance #48927380 Has Been Outbid')).toEqual([
      200,
    ])
    await gateway.logs(/vastai outbid verified by vast-signature-256/)
  })

  test('rotate: what is sent meanwhile is not lost, and the old secret still counts until --finish', async () => {
    const [before] = vast.told
    const over = new AbortController()
    const statuses: number[] = []
    const sending = (async () => {
      while (!over.signal.aborted) statuses.push(...(await vast.notify('low_credit', 'Low')))
    })()
    const { code, stdout } = await cli.run(['rotate', 'vastai'])
    over.abort()
    await sending
    expect(code).toBe(0)
    expect(stdout).toContain('The gateway has taken it, without a restart')
    expect(stdout).toMatch(/may go after .*not documented.*\/api\/secrets/)
    expect(statuses.length).toBeGreaterThan(0)
    expect(new Set(statuses)).toEqual(new Set([200]))

    vast.secrets.set(42, before!)
    expect(await vast.notify('low_credit', 'Signed with the old one')).toEqual([200])
    expect((await cli.run(['rotate', 'vastai', '--finish'])).stdout).toMatch(
      /which last matched 20.*, is gone; .* in the running gateway too/,
    )
    expect(await vast.notify('low_credit', 'Signed with the old one again')).toEqual([401])
    vast.secrets.set(42, vast.told.at(-1)!)
    expect(await vast.notify('low_credit', 'Signed with the new one')).toEqual([200])
  })

  test('reconcile: what no webhook told is recorded beside the running gateway, and handled there', async () => {
    vast.instances = [
      { id: 312, actual_status: 'running' },
      { id: 313, actual_status: 'running' },
    ]
    expect((await cli.run(['reconcile', 'vastai'])).stdout).toContain('2 instances seen for the first time')
    expect(await vast.notify('outbid', 'Your Interruptible Instance #313 Has Been Outbid')).toEqual([200])
    for (const instance of vast.instances) instance.actual_status = 'exited'
    const { code, stdout } = await cli.run(['reconcile', 'vastai'])
    expect(code).toBe(0)
    expect(stdout).toContain('reconciled.instance_changed  312  running -> exited')
    expect(stdout).toContain('1 changes recorded that no webhook told, 1 that one did')
    const listed = await fetch(
      `${gateway.adminOrigin}/api/events?source=vastai&type=reconciled.instance_changed`,
    )
    expect(await listed.json()).toMatchObject({ events: [{ verifiedBy: 'record:vastai-instances' }] })
  })

  test('list and delete', async () => {
    expect((await cli.run(['register', 'vastai', '--list'])).stdout).toContain(
      `42  ${URL_OF_WORLD}  Postern vastai`,
    )
    expect((await cli.run(['register', 'vastai', '--delete', '42'])).code).toBe(0)
    expect(vast.webhooks).toEqual([])
    expect((await cli.run(['register', 'vastai', '--delete', '42'])).code).toBe(1)
  })

  test('neither the key nor a secret is ever printed, logged, or written anywhere but where it is kept', () => {
    const seen =
      cli.printed() + gateway.output() + readFileSync(join(folder, '.postern/registrations.json'), 'utf8')
    expect(vast.told.length).toBeGreaterThan(1)
    for (const secret of [VAST_KEY, ...vast.told]) expect(seen).not.toContain(secret)
  })
})
