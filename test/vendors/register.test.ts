import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { commandLine, type CommandLine, type Ran } from './command-line.ts'
import { VAST_KEY, VastaiStandIn } from './vastai-stand-in.ts'

const URL_OF_WORLD = 'https://hooks.example.com/webhooks/vastai'
const REGISTER = ['register', 'vastai', '--url', URL_OF_WORLD]
/** Nobody listens there. */
const NO_ADMIN = '127.0.0.1:1'

let folder: string
let vast: VastaiStandIn
let cli: CommandLine

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-register-'))
  vast = new VastaiStandIn(() => 'http://127.0.0.1:1')
  const origin = await vast.listen()
  cli = commandLine({ cwd: folder, origin, env: { VAST_API_KEY: VAST_KEY, POSTERN_ADMIN: NO_ADMIN } })
  onTestFinished(async () => {
    await vast.close()
    rmSync(folder, { recursive: true, force: true })
    const told = [VAST_KEY, ...vast.told]
    // Where it was asked for it is in the test's own hands.
    const seen = cli.printed().replaceAll(/^VASTAI_WEBHOOK_SECRET.*$/gm, '')
    for (const secret of told) expect(seen).not.toContain(secret)
  })
})

describe('a run that ended between the vendor’s answer and the secret being kept', () => {
  test('is recovered by the next: it finds the webhook, and asks for a new secret', async () => {
    vast.fault({ when: 'after', method: 'POST', does: (response) => void response.socket?.destroy() })
    const first = await cli.run(REGISTER)
    expect(first).toMatchObject({ code: 1, stderr: expect.stringContaining('run this again') as string })
    expect(vast.webhooks).toHaveLength(1)
    expect(secrets()).toBeUndefined()

    const second = await cli.run([...REGISTER, '--json'])
    expect(second.code).toBe(0)
    expect(json(second)).toMatchObject({ action: 'recovered', webhook: { id: 42 } })
    expect(vast.webhooks).toHaveLength(1)
    expect(secrets()).toEqual({ vastai: vast.secrets.get(42) })
    expect(json(await cli.run([...REGISTER, '--json']))).toMatchObject({ action: 'found' })
    expect(vast.told).toHaveLength(2)
  })

  test('is recovered also where the recovery is cut off in the same way', async () => {
    vast.fault({
      when: 'after',
      method: 'POST',
      times: 2,
      does: (response) => void response.socket?.destroy(),
    })
    expect((await cli.run(REGISTER)).code).toBe(1)
    expect((await cli.run(REGISTER)).code).toBe(1)
    expect((await cli.run(REGISTER)).code).toBe(0)
    expect(secrets()).toEqual({ vastai: vast.secrets.get(42) })
  })

  test('and before the vendor did anything starts over', async () => {
    vast.fault({ when: 'before', method: 'POST', does: (response) => void response.socket?.destroy() })
    expect((await cli.run(REGISTER)).code).toBe(1)
    expect(vast.webhooks).toEqual([])
    expect((await cli.run(REGISTER)).code).toBe(0)
    expect(secrets()).toEqual({ vastai: vast.secrets.get(42) })
  })

  test('in a rotation: the next rotation puts it right', async () => {
    await cli.run(REGISTER)
    vast.fault({ when: 'after', path: /rotate/, does: (response) => void response.socket?.destroy() })
    expect(await cli.run(['rotate', 'vastai'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('its new secret is lost then: run this again') as string,
    })
    expect((await cli.run(['rotate', 'vastai'])).code).toBe(0)
    expect(secrets()).toEqual({ vastai: vast.secrets.get(42), 'vastai#2': vast.told[0] })
  })
})

describe('a webhook that somebody else registered', () => {
  beforeEach(() => {
    vast.webhooks.push({
      id: 7,
      user_id: 123,
      name: null,
      webhook_url: URL_OF_WORLD,
      event_types: ['client:low_credit'],
      created_at: 1_700_000_000,
      updated_at: 1_700_000_000,
    })
  })

  test('is left alone: its secret may be in use elsewhere', async () => {
    const { code, stdout } = await cli.run(REGISTER)
    expect(code).toBe(1)
    expect(stdout).toContain('--recover asks for a new one, and the old one ends at once')
    expect(vast.asked.every(({ method }) => method === 'GET')).toBe(true)
  })

  test('is taken over where that is asked for', async () => {
    expect(await cli.run([...REGISTER, '--recover', '--json'])).toMatchObject({ code: 0 })
    expect(secrets()).toEqual({ vastai: vast.secrets.get(7) })
  })

  test('lacks events, which --update adds', async () => {
    await cli.run([...REGISTER, '--recover'])
    const events = ['--events', 'low_credit,outbid']
    expect((await cli.run([...REGISTER, ...events])).stdout).toContain(
      'not subscribed to client:outbid; --update',
    )
    await cli.run([...REGISTER, ...events, '--update'])
    expect(vast.webhooks[0]!.event_types).toEqual(['client:low_credit', 'client:outbid'])
  })
})

describe('a secret for production', () => {
  test('goes into a new file of its owner alone', async () => {
    const { code, stdout } = await cli.run([...REGISTER, '--secret-file', 'vastai.env'])
    expect(code).toBe(0)
    expect(stdout).toContain('restart')
    const path = join(folder, 'vastai.env')
    expect(readFileSync(path, 'utf8')).toBe(`VASTAI_WEBHOOK_SECRET=${vast.secrets.get(42)}\n`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(secrets()).toBeUndefined()
  })

  test('is printed once, alone on standard output, and never again', async () => {
    const { stdout, stderr } = await cli.run([...REGISTER, '--print-secret', '--json'])
    expect(stdout).toBe(`VASTAI_WEBHOOK_SECRET=${vast.secrets.get(42)}\n`)
    expect(JSON.parse(stderr)).toMatchObject({ action: 'created', secret: 'standard output' })
    const again = await cli.run([...REGISTER, '--print-secret'])
    expect(again.stdout).toBe('')
    expect(again.stderr).toContain('is registered at Vast.ai already')
  })

  test('of a rotation comes with the one before, where that is known', async () => {
    await cli.run([...REGISTER, '--secret-file', 'one.env'])
    const { stdout, stderr } = await cli.run(['rotate', 'vastai', '--print-secret'], {
      VASTAI_WEBHOOK_SECRET: vast.told[0]!,
    })
    expect(stdout).toBe(`VASTAI_WEBHOOK_SECRET=${vast.told[1]}\nVASTAI_WEBHOOK_SECRET_2=${vast.told[0]}\n`)
    expect(stderr).toContain('Restart the gateway with it now')
  })

  test('is never asked for where it could not be kept', async () => {
    writeFileSync(join(folder, 'there.env'), 'X=1\n')
    for (const flags of [
      ['--secret-file', 'there.env'],
      ['--secret-file', 'no/such/folder/x.env'],
      ['--secret-file', 'x.env', '--print-secret'],
    ]) {
      expect((await cli.run([...REGISTER, ...flags])).code).toBeGreaterThan(0)
    }
    // What the gateway would not look at.
    expect(await cli.run(REGISTER, { VASTAI_WEBHOOK_SECRET: 'is set in the environment' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('counts before .postern/secrets.json') as string,
    })
    expect(vast.webhooks).toEqual([])
    expect(readFileSync(join(folder, 'there.env'), 'utf8')).toBe('X=1\n')
  })

  test('leaves no file behind where the vendor refuses', async () => {
    vast.fault({
      when: 'before',
      method: 'POST',
      does: (response) => void response.writeHead(400).end('{"msg":"no"}'),
    })
    expect((await cli.run([...REGISTER, '--secret-file', 'vastai.env'])).stderr).toContain(
      'refused this (400): no',
    )
    expect(existsSync(join(folder, 'vastai.env'))).toBe(false)
  })
})

describe('what is asked for', () => {
  test.each([
    ['no URL', []],
    ['one that is none', ['--url', 'hooks']],
    ['http', ['--url', 'http://hooks.example.com/webhooks/vastai']],
    ['this machine', ['--url', 'https://localhost/webhooks/vastai']],
    ['credentials', ['--url', 'https://me:pw@hooks.example.com/webhooks/vastai']],
    ['a fragment', ['--url', 'https://hooks.example.com/webhooks/vastai#x']],
    ['no source', ['--url', 'https://hooks.example.com/']],
    ['a long one', ['--url', `https://hooks.example.com/${'x'.repeat(2048)}/vastai`]],
    ['an unknown event', ['--url', URL_OF_WORLD, '--events', 'outbidden']],
    ['events of two contexts', ['--url', URL_OF_WORLD, '--events', 'client:outbid,host:machine_offline']],
    ['no event', ['--url', URL_OF_WORLD, '--events', ' , ']],
  ])('is refused for %s, before anything is made', async (_, flags) => {
    expect((await cli.run(['register', 'vastai', ...flags])).code).toBe(2)
    expect(vast.asked.every(({ method }) => method === 'GET')).toBe(true)
  })

  test('may be the events of one context, in full or in short', async () => {
    await cli.run([
      'register',
      'vastai',
      '--url',
      'https://hooks.example.com/webhooks/vastai-host',
      '--context',
      'host',
    ])
    await cli.run([...REGISTER, '--events', 'outbid, client:low_credit'])
    expect(vast.webhooks.map(({ event_types }) => event_types)).toEqual([
      ['host:machine_offline'],
      ['client:outbid', 'client:low_credit'],
    ])
    expect(secrets()).toEqual({ 'vastai-host': vast.secrets.get(42), vastai: vast.secrets.get(43) })
  })

  test('is refused where the account has four webhooks already', async () => {
    for (const name of ['a', 'b', 'c', 'd'])
      await cli.run(['register', 'vastai', '--url', `https://hooks.example.com/${name}`])
    expect(await cli.run(REGISTER)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('allows 4 webhooks') as string,
    })
  })

  test('needs a key, and one that a header can carry', async () => {
    expect(await cli.run(REGISTER, { VAST_API_KEY: '' })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('VAST_API_KEY: is not set') as string,
    })
    expect((await cli.run(REGISTER, { VAST_API_KEY: `${VAST_KEY}\n${VAST_KEY}` })).stderr).toContain(
      'is no API key',
    )
    expect((await cli.run(REGISTER, { VAST_API_KEY: 'a-wrong-key-0123' })).stderr).toContain(
      'did not take the key (401)',
    )
    expect((await cli.run([...REGISTER, '--api-key-env', 'OTHER'], { OTHER: VAST_KEY })).code).toBe(0)
  })
})

describe('the vendor’s own test', () => {
  test('is not asked for where nobody could say what arrives, and the registration stands', async () => {
    const { code, stdout } = await cli.run(REGISTER)
    expect(code).toBe(0)
    expect(stdout).toContain('not tested: no development gateway of this folder runs with it')
    expect(vast.asked.some(({ path }) => path.endsWith('/test/'))).toBe(false)
  })
})

describe('an answer of the API that cannot be trusted', () => {
  test.each([
    [
      'a secret that is none',
      '{"webhook":{"id":1,"webhook_url":"https://x/","event_types":[],"webhook_secret":"a\\nB=1"}}',
    ],
    ['no secret', '{"webhook":{"id":1,"webhook_url":"https://x/","event_types":[]}}'],
    [
      'an id that is none',
      '{"webhook":{"id":"../1","webhook_url":"https://x/","event_types":[],"webhook_secret":"0123456789abcdef"}}',
    ],
    ['no JSON', '<html>'],
  ])('%s: nothing is kept', async (_, body) => {
    vast.fault({ when: 'before', method: 'POST', does: (response) => void response.end(body) })
    const { code, stderr } = await cli.run(REGISTER)
    expect(code).toBe(1)
    expect(stderr).toMatch(/no usable answer/)
    expect(secrets()).toBeUndefined()
  })

  test('its texts cannot act on a terminal', async () => {
    vast.fault({
      when: 'before',
      path: /webhooks\/$/,
      does: (response) =>
        void response.end(
          JSON.stringify({
            webhooks: [
              { id: 1, name: '\u001b[2J\u202e', webhook_url: 'https://x/', event_types: ['\u0007'] },
            ],
          }),
        ),
    })
    const { stdout } = await cli.run(['register', 'vastai', '--list'])
    expect(stdout).toBe('1  https://x/  \\u{1b}[2J\\u{202e}  \\u{7}\n')
  })
})

describe('vendors without an API that is documented', () => {
  test.each([
    [
      'castai',
      'castai-notifications',
      ['X-Webhook-Secret', '{{ .NotificationID }}', 'Content-Type: application/json', 'authKeys'],
    ],
    [
      'coreweave',
      'coreweave-alerts',
      ['/credentials', '/destinations/<id of 2>/test', 'postern pull', 'the header'],
    ],
    ['anima', 'anima', ['shows the secret once', 'figma()']],
  ])('%s: the steps are printed, and what is not documented is said', async (vendor, source, texts) => {
    const url = `https://hooks.example.com/webhooks/${source}`
    const { code, stdout } = await cli.run(['register', vendor, '--url', url])
    expect(code).toBe(0)
    for (const text of [url, 'Not documented', ...texts]) expect(stdout).toContain(text)
    expect(vast.asked).toEqual([])
  })

  test.each([
    ['castai', 'castai', []],
    ['castai', 'castai-notifications', []],
    ['coreweave', 'coreweave', []],
    ['coreweave', 'alerts', ['--source', 'alerts']],
    ['anima', '1-anima', []],
  ])('%s: what is printed for the source %s fits together', async (vendor, source, flags) => {
    const variable = `${source.toUpperCase().replace('-', '_')}_WEBHOOK_SECRET`
    const line = ['register', vendor, '--url', `https://hooks.example.com/webhooks/${source}`, ...flags]
    const { stdout } = await cli.run([...line, '--dry-run', '--json'])
    const printed = JSON.parse(stdout) as { readonly variable: string; readonly configuration: string[] }
    expect(printed.variable).toBe(variable)
    const [imported = '', ...sources] = printed.configuration.map((text) =>
      text
        .replace("'postern/providers'", `'${import.meta.resolve('postern/providers')}'`)
        .replace('<the header you saw in the test>', 'x-signature'),
    )
    const file = join(folder, 'postern.config.mjs')
    writeFileSync(file, `${imported}\nexport const config = {\n${sources.join('\n')}\n}\n`)
    const doctor = await cli.run(['doctor'], { [variable]: 'a-secret-of-16-bytes-or-more', PORT: '0' })
    expect(doctor).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`sources\\.${source} +has its secret from ${variable}`) as string,
    })
  })

  test('a secret that is ours to make is made once, kept, and not printed', async () => {
    const line = ['register', 'castai', '--url', 'https://hooks.example.com/webhooks/castai-notifications']
    await cli.run(line)
    const made = secrets()?.['castai-notifications']
    expect(made).toMatch(/^[0-9a-f]{64}$/)
    expect((await cli.run(line)).stdout).toContain('.postern/secrets.json, as before')
    expect(secrets()).toEqual({ 'castai-notifications': made })
    expect(cli.printed()).not.toContain(made)
  })

  test('one that is unknown is said to be', async () => {
    expect(await cli.run(['register', 'nobody', '--url', URL_OF_WORLD])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        "of a vendor 'nobody'. Known are vastai, castai, coreweave, anima",
      ) as string,
    })
  })
})

function secrets(): Record<string, string> | undefined {
  const path = join(folder, '.postern/secrets.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>) : undefined
}

function json({ stdout }: Ran): unknown {
  return JSON.parse(stdout)
}
