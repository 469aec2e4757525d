import { createServer, type Server } from 'node:http'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verify, type Verdict } from 'postern'
import { anima, castaiNotifications, figma, vastai, wandb } from 'postern/providers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CliContext } from './context.ts'
import { run } from './run.ts'
import { cliContext } from '../../../../test/support/cli-context.ts'

const secret = 'a-secret-of-16-bytes-or-more'

let cwd: string
let out: string
let err: string
let receiver: Server | undefined
let received: { readonly url: string; readonly headers: readonly string[]; readonly body: Buffer }[]

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'postern-cli-'))
  out = ''
  err = ''
  received = []
})
afterEach(async () => {
  receiver?.closeAllConnections()
  await new Promise((resolve) => (receiver ? receiver.close(resolve) : resolve(undefined)))
  receiver = undefined
  await rm(cwd, { recursive: true })
})

function cli(args: readonly string[], changed: Partial<CliContext> = {}): Promise<number> {
  const stdout = { write: (text: string) => void (out += text) }
  const stderr = { write: (text: string) => void (err += text) }
  return run(args, cliContext({ cwd, stdout, stderr, ...changed }))
}

/** Somebody who takes webhooks; answers its port. */
async function receive(status = 200, answer = '{"received":true}'): Promise<number> {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ url: request.url ?? '', headers: request.rawHeaders, body: Buffer.concat(chunks) })
      response.writeHead(status).end(answer)
    })
  })
  await new Promise<void>((resolve) => receiver?.listen(0, '127.0.0.1', resolve))
  return (receiver.address() as AddressInfo).port
}

async function* requestOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}

const verified = (index = 0, source = vastai({ secret })): Promise<Verdict> =>
  verify(received[index]!, source)

describe('the command line', () => {
  test('tells its version', async () => {
    expect(await cli(['--version'])).toBe(0)
    expect(out).toBe('1.2.3\n')
  })

  test.each([
    ['--help'],
    ['dev', '--help'],
    ['serve', '--help'],
    ['trigger', '--help'],
    ['doctor', '--help'],
  ])('explains itself: %s %s', async (...args) => {
    expect(await cli(args)).toBe(0)
    expect(out).toMatch(/Usage: postern/)
  })

  test.each(['doctor', 'explain', 'register', 'rotate', 'reconcile', 'pull'])(
    'says of %s what its exit codes mean',
    async (command) => {
      await cli([command, '--help'])
      expect(out).toMatch(/\nExit codes: 0 [^;,]+.*[;,] 1 .*[;,] 2 /s)
    },
  )

  test('explains its exit codes and shows examples', async () => {
    await cli(['--help'])
    expect(out).toContain('Exit codes:')
    expect(out).toContain('postern trigger vastai resource.created')
  })

  test.each<[string, readonly string[], RegExp]>([
    ['an unknown command, with the one that was meant', ['triger'], /unknown command 'triger'[\s\S]*trigger/],
    [
      'an unknown option, with the one that was meant',
      ['dev', '--prot', '1'],
      /unknown option '--prot'[\s\S]*--port/,
    ],
    ['a source that is missing', ['trigger'], /Which source/],
    ['a type that is missing, with the samples', ['trigger', 'vastai'], /outbid/],
    [
      'an unknown source, with the known ones',
      ['trigger', 'nobody', 'x'],
      /vastai, castai, coreweave, anima/,
    ],
    ['a count of 0', ['trigger', 'vastai', 'x', '--count', '0'], /whole number/],
    ['a count that is none', ['trigger', 'vastai', 'x', '--count', 'ten'], /whole number/],
    ['a URL of another kind', ['trigger', 'vastai', 'x', '--url', 'file:///etc/passwd'], /http/],
    ['a URL that is none', ['trigger', 'vastai', 'x', '--url', 'localhost:3000'], /http/],
    [
      'a file that is not there',
      ['trigger', 'vastai', 'x', '--secret', 's', '--data', '@no.json'],
      /no\.json/,
    ],
    ['a log level that is none', ['serve', '--log-level', 'loud'], /loud/],
  ])('%s is a usage error', async (_what, args, message) => {
    expect(await cli(args)).toBe(2)
    expect(err).toMatch(message)
  })

  test('what a command lacks is said with that command’s own help', async () => {
    expect(await cli(['explain'])).toBe(2)
    expect(err).toContain('postern explain --help')
  })

  test('an unknown source is followed by where the known ones are listed', async () => {
    expect(
      await cli(['explain', 'nobody', '--request', '-'], { stdin: requestOf('POST / HTTP/1.1\n\n') }),
    ).toBe(2)
    expect(err).toMatch(/^error: There is no source 'nobody'[^…]*postern trigger --list shows them\n$/)
  })

  test('what was typed is shown escaped', async () => {
    await cli(['trigger', 'a\u001b[2J', 'x'])
    expect(err).not.toContain('\u001b')
  })
})

describe('trigger', () => {
  test('sends a signed event and says what came back', async () => {
    const port = await receive()
    const code = await cli(['trigger', 'vastai', 'resource.created'], {
      env: { PORT: String(port), VASTAI_WEBHOOK_SECRET: secret },
    })
    expect(code).toBe(0)
    expect(out).toMatch(/^200 OK {2}\{"received":true\} {2}\d+ ms\n$/)
    expect(received[0]?.url).toBe('/webhooks/vastai')
    expect(await verified()).toMatchObject({
      ok: true,
      scheme: 'vastai-template',
      event: { type: 'resource.created' },
    })
  })

  test('speaks the real scheme of a real type', async () => {
    const url = `http://127.0.0.1:${await receive()}/any/path?x=1`
    await cli(['trigger', 'vastai', 'outbid', '--secret', secret, '--url', url])
    expect(received[0]?.url).toBe('/any/path?x=1')
    expect(await verified()).toMatchObject({
      ok: true,
      scheme: 'vast-signature-256',
      event: { type: 'outbid' },
    })
  })

  test.each([
    ['figma', 'FILE_UPDATE', figma({ secret }), 'figma-passcode'],
    ['castai-notifications', 'castai.notification', castaiNotifications({ secret }), 'castai-header'],
    ['wandb', 'LINK_ARTIFACT', wandb({ secret }), 'wandb-signature-base64'],
  ] as const)('sends what %s sends, with the secret where it has it', async (name, type, source, scheme) => {
    const url = `http://127.0.0.1:${await receive()}`
    const env = { [`${name.toUpperCase().replace('-', '_')}_WEBHOOK_SECRET`]: secret }
    expect(await cli(['trigger', name, type, '--url', url], { env })).toBe(0)
    expect(await verified(0, source as never)).toMatchObject({ ok: true, scheme, event: { type } })
    expect(out + err).not.toContain(secret)
  })

  test('puts the passcode into a body of the user’s own, as one from the log of refused requests', async () => {
    const url = `http://127.0.0.1:${await receive()}`
    const data = '{ "passcode": "[redacted]", "event_type": "PING", "timestamp": "x", "webhook_id": 1 }'
    await cli(['trigger', 'figma', 'PING', '--url', url, '--secret', secret, '--data', data])
    expect(received[0]?.body.toString()).toBe(data.replace('[redacted]', secret))
  })

  test('has no sample of a type that the provider does not send, and no form to make one in', async () => {
    expect(await cli(['trigger', 'figma', 'my.type', '--secret', secret])).toBe(2)
    expect(err).toContain("no sample 'my.type' of Figma")
    expect(await cli(['trigger', 'figma'])).toBe(2)
    expect(err).toMatch(/Samples of figma: FILE_UPDATE, FILE_DELETE, PING\n/)
  })

  test('sends both credentials of a source that has two, whichever the secret on the line replaces', async () => {
    const module = JSON.stringify(import.meta.resolve('postern/providers'))
    const token = 'an-access-token-of-the-configuration'
    await writeFile(
      join(cwd, 'postern.config.mjs'),
      `import { wandb } from ${module}
       export const config = { sources: { runs: wandb({ secret: 'another', accessToken: '${token}' }),
         tokens: wandb({ accessToken: '${token}' }) } }`,
    )
    const url = `http://127.0.0.1:${await receive()}`
    expect(await cli(['trigger', 'runs', 'LINK_ARTIFACT', '--url', url, '--secret', secret])).toBe(0)
    expect(await cli(['trigger', 'tokens', 'LINK_ARTIFACT', '--url', url])).toBe(0)
    expect(await verified(0, wandb({ secret, accessToken: token }) as never)).toMatchObject({ ok: true })
    expect(await verified(1, wandb({ accessToken: token }) as never)).toMatchObject({ ok: true })
  })

  test('takes the form of the vendors’ guides', async () => {
    const url = `http://127.0.0.1:${await receive()}/webhooks/anima`
    expect(
      await cli(['anima', 'webhooks', 'trigger', 'resource.created', '--url', url, '--secret', secret]),
    ).toBe(0)
    expect(await verified(0, anima({ secret }) as never)).toMatchObject({
      ok: true,
      scheme: 'anima-template',
    })
  })

  test('sends an unknown type in the template’s form, and says so', async () => {
    const url = `http://127.0.0.1:${await receive()}`
    await cli(['trigger', 'vastai', 'my.type', '--secret', secret, '--url', url])
    expect(err).toContain("'my.type'")
    expect(await verified()).toMatchObject({ ok: true, event: { type: 'my.type' } })
  })

  test('takes the secret from the variable first, then from .postern', async () => {
    await mkdir(join(cwd, '.postern'))
    await writeFile(join(cwd, '.postern', 'secrets.json'), JSON.stringify({ vastai: secret }))
    const url = `http://127.0.0.1:${await receive()}`
    await cli(['trigger', 'vastai', 'outbid', '--url', url])
    await cli(['trigger', 'vastai', 'outbid', '--url', url], {
      env: { VASTAI_WEBHOOK_SECRET: 'another-one-of-16-bytes' },
    })
    expect([await verified(0), await verified(1)]).toMatchObject([
      { ok: true },
      { ok: false, reason: 'signature_mismatch' },
    ])
  })

  test('without a secret says where one would be', async () => {
    expect(await cli(['trigger', 'vastai', 'outbid'])).toBe(1)
    expect(err).toContain('VASTAI_WEBHOOK_SECRET')
    expect(err).toContain('npx postern dev')
  })

  test('a body of the user’s own goes out byte for byte', async () => {
    const body = Buffer.from([0x7b, 0x20, 0xff, 0x0d, 0x0a, 0x7d])
    await writeFile(join(cwd, 'body.json'), body)
    const url = `http://127.0.0.1:${await receive()}`
    const args = ['trigger', 'vastai', 'outbid', '--secret', secret, '--url', url, '--data']
    await cli([...args, '@body.json'])
    await cli([...args, '@-'], {
      stdin: (async function* () {
        yield body.subarray(0, 2)
        yield body.subarray(2)
      })(),
    })
    await cli([...args, '{"event_id":"1","notif_type":"x"}'])
    expect(received.map((request) => request.body)).toEqual([
      body,
      body,
      Buffer.from('{"event_id":"1","notif_type":"x"}'),
    ])
    expect(await verified(2)).toMatchObject({ ok: true, event: { id: '1' } })
  })

  test('sends many, each with an id of its own, and sums them up', async () => {
    const url = `http://127.0.0.1:${await receive()}`
    expect(
      await cli(['trigger', 'vastai', 'outbid', '--secret', secret, '--url', url, '--count', '100']),
    ).toBe(0)
    const ids = await Promise.all(
      received.map(async (_, index) => {
        const verdict = await verified(index)
        return verdict.ok ? verdict.event.id : ''
      }),
    )
    expect(new Set(ids).size).toBe(100)
    expect(out).toMatch(/^100 sent: 100 × 200 OK; half within \d+ ms, 99 % within \d+ ms\n$/)
  })

  test('a fixed id gives the very same body again', async () => {
    const url = `http://127.0.0.1:${await receive()}`
    let nowMs = Date.now()
    const args = ['trigger', 'vastai', 'resource.created', '--secret', secret, '--url', url, '--id', 'demo']
    await cli(args, { now: () => (nowMs += 1000) })
    await cli(args, { now: () => (nowMs += 1000) })
    expect(received[1]?.body).toEqual(received[0]?.body)
    expect(received[0]?.body.toString()).toContain('evt_demo')
  })

  test('an answer other than 2xx is a failure, with a hint at the secret where it was a 401', async () => {
    const url = `http://127.0.0.1:${await receive(401, '{"error":"Invalid signature"}')}`
    expect(await cli(['trigger', 'vastai', 'outbid', '--secret', secret, '--url', url])).toBe(1)
    expect(out).toMatch(/^401 Unauthorized {2}\{"error":"Invalid signature"\}/)
    expect(err).toContain('--secret')
    expect(err + out).not.toContain(secret)
  })

  test('a 404 is followed by where a gateway takes webhooks', async () => {
    const url = `http://127.0.0.1:${await receive(404, '{"error":"Unknown source"}')}/webhooks/vast`
    expect(await cli(['trigger', 'vastai', 'outbid', '--secret', secret, '--url', url, '--count', '3'])).toBe(
      1,
    )
    expect(err.match(/\/webhooks\/<source>/g)).toHaveLength(1)
  })

  test('follows no redirect', async () => {
    const url = `http://127.0.0.1:${await receive(307, '')}`
    expect(await cli(['trigger', 'vastai', 'outbid', '--secret', secret, '--url', url])).toBe(1)
    expect(received).toHaveLength(1)
  })

  test('an answer cannot move the cursor', async () => {
    const url = `http://127.0.0.1:${await receive(200, 'ok\u001b[2J\nforged')}`
    await cli(['trigger', 'vastai', 'outbid', '--secret', secret, '--url', url])
    expect(out).toMatch(/^200 OK {2}ok\\u\{1b\}\[2J\\u\{a\}forged {2}\d+ ms\n$/)
  })

  test('where nothing listens it says what to do, once', async () => {
    const args = [
      'trigger',
      'vastai',
      'outbid',
      '--secret',
      secret,
      '--url',
      'http://127.0.0.1:1/',
      '--count',
      '50',
    ]
    expect(await cli(args)).toBe(1)
    expect(err.match(/npx postern dev/g)).toHaveLength(1)
    expect(out).toBe('')
  })

  test('for machines gives an object a line', async () => {
    const url = `http://127.0.0.1:${await receive()}`
    await cli(['trigger', 'vastai', 'outbid', '--secret', secret, '--url', url, '--json', '--count', '2'])
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(lines).toEqual([
      expect.objectContaining({ ok: true, status: 200, body: '{"received":true}' }),
      expect.anything(),
    ])
  })

  test('lists the samples of every source', async () => {
    expect(await cli(['trigger', '--list'])).toBe(0)
    expect(out).toMatch(
      /^vastai\n {2}outbid +vast-signature-256\n[\s\S]*anima\n {2}message\.received +anima-labs-v1\n/,
    )
  })

  test('lists them in columns, also where a type is long', async () => {
    await cli(['trigger', 'aws-sns', '--list'])
    const columns = out.split('\n').filter((line) => line.startsWith('  '))
    expect(new Set(columns.map((line) => line.indexOf(' sns-'))).size).toBe(1)
  })

  test('lists the samples as an object for each source', async () => {
    expect(await cli(['trigger', 'figma', '--list', '--json'])).toBe(0)
    const { source, samples } = JSON.parse(out) as { source: string; samples: readonly object[] }
    expect(source).toBe('figma')
    expect(samples).toContainEqual({ type: 'PING', scheme: expect.any(String) as string })
    out = ''
    await cli(['trigger', '--list', '--json'])
    const all = out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { source: string }).source)
    expect(all.slice(0, 4)).toEqual(['vastai', 'castai', 'coreweave', 'anima'])
  })

  test('knows the samples of a source that is called otherwise than its provider', async () => {
    await writeFile(
      join(cwd, 'postern.config.mjs'),
      `import { castaiNotifications } from ${JSON.stringify(import.meta.resolve('postern/providers'))}
       export const config = { sources: { cn: castaiNotifications() } }`,
    )
    expect(await cli(['trigger', 'cn'])).toBe(2)
    expect(err).toContain('Which event type? Samples of cn: castai.notification')
    expect(await cli(['trigger', 'cn', '--list'])).toBe(0)
    expect(out).toMatch(/^cn\n {2}castai\.notification +castai-header\n$/)
    expect(await cli(['trigger', 'nobody', '--list'])).toBe(2)
    expect(err).toContain("There is no source 'nobody'")
  })

  test('says that the gateway makes a secret only of what it serves', async () => {
    expect(await cli(['trigger', 'github', 'push'])).toBe(1)
    expect(err).toContain(
      'set GITHUB_WEBHOOK_SECRET, or add github to the sources of a postern.config.ts and start',
    )
    err = ''
    await writeFile(
      join(cwd, 'postern.config.mjs'),
      `import { github } from ${JSON.stringify(import.meta.resolve('postern/providers'))}
       export const config = { sources: { github: github() } }`,
    )
    await cli(['trigger', 'github', 'push'])
    expect(err).toContain('set GITHUB_WEBHOOK_SECRET, or start the gateway in this folder')
  })

  test.each([
    [
      '--id',
      ['push', '--id', 'a\nb'],
      /^error: --id stands in the header x-github-delivery, which cannot hold/,
    ],
    ['a type', ['pu\nsh', '--data', '{}'], /The event type stands in the header x-github-event/],
    ['an id beyond Latin-1', ['push', '--id', 'é→'], /--id stands in the header/],
  ])('%s that no header can hold is a usage error, and nothing is sent', async (_, args, message) => {
    const url = `http://127.0.0.1:${await receive()}`
    expect(await cli(['trigger', 'github', ...args, '--secret', secret, '--url', url])).toBe(2)
    expect(err).toMatch(message)
    expect(received).toEqual([])
  })

  test('finds a source of the configuration, and sends it a body of the user’s own', async () => {
    const postern = JSON.stringify(import.meta.resolve('postern'))
    await writeFile(
      join(cwd, 'postern.config.mjs'),
      `import { custom } from ${postern}
       export const config = { sources: { hub: custom({ secret: '${secret}', scheme: { algorithm: 'hmac-sha256',
         key: { as: 'utf8' }, signature: { in: [{ header: 'x-hub-signature-256' }], prefix: 'sha256=', encoding: 'hex' },
         content: ['body'] }, envelope: { id: [{ header: 'x-hub-delivery' }], type: { header: 'x-hub-event' } } }) } }`,
    )
    const url = `http://127.0.0.1:${await receive()}`
    expect(await cli(['trigger', 'hub', 'push', '--url', url, '--data', '{"ref":"main"}'])).toBe(0)
    const headers = received[0]?.headers ?? []
    expect(headers[headers.indexOf('x-hub-event') + 1]).toBe('push')
    expect(headers).toContain('x-hub-delivery')
    expect(await cli(['trigger', 'hub', 'push', '--url', url])).toBe(2)
  })
})

describe('serve refuses to start', () => {
  test('where there is nothing to serve', async () => {
    expect(await cli(['serve'])).toBe(1)
    expect(err).toMatch(/^error: sources: .*VASTAI_WEBHOOK_SECRET.*\n$/)
  })

  test('on a blank secret, a store it does not know and an open admin listener, a line for each', async () => {
    const env = { CASTAI_WEBHOOK_SECRET: ' ', POSTERN_STORE: 'nats://h', POSTERN_ADMIN: '0.0.0.0:3001' }
    expect(await cli(['serve'], { env })).toBe(1)
    expect(err.trim().split('\n')).toEqual([
      expect.stringMatching(/^error: POSTERN_STORE: /),
      expect.stringMatching(/^error: POSTERN_ADMIN_TOKEN: /),
      expect.stringMatching(/^error: sources\.castai\.secret: CASTAI_WEBHOOK_SECRET is blank/),
    ])
  })

  test('on an unknown option in the configuration', async () => {
    await writeFile(join(cwd, 'postern.config.mjs'), 'export const config = { sources: {}, hanlders: 1 }')
    expect(await cli(['serve'])).toBe(1)
    expect(err).toContain('error: hanlders: unknown option')
  })

  test('on handlers for a source that is not there', async () => {
    const providers = JSON.stringify(import.meta.resolve('postern/providers'))
    await writeFile(
      join(cwd, 'postern.config.mjs'),
      `import { vastai } from ${providers}
       export const config = { sources: { vastai: vastai({ secret: '${secret}' }) }, handlers: (on) => [on('castai', '*', () => {})] }`,
    )
    expect(await cli(['serve'], { env: { PORT: '0' } })).toBe(1)
    expect(err).toMatch(/error: .*castai/)
  })
})

describe('dev', () => {
  test('starts, says where, and stops at a signal', async () => {
    let signal: ((name: string) => void) | undefined
    const ended = cli(['dev'], {
      env: { PORT: '0', POSTERN_ADMIN: '127.0.0.1:0' },
      onSignal: (listener) => {
        signal = listener
        return () => {}
      },
    })
    while (!out.includes('postern trigger')) await new Promise((resolve) => setTimeout(resolve, 10))
    signal?.('SIGTERM')
    expect(await ended).toBe(0)
    expect(out).toMatch(/http:\/\/localhost:\d+\/webhooks\/vastai/)
    expect(out).toContain('.postern/secrets.json')
    const secrets = JSON.parse(await readFile(join(cwd, '.postern', 'secrets.json'), 'utf8')) as Record<
      string,
      string
    >
    expect(Object.keys(secrets)).toEqual(['vastai', 'castai', 'coreweave', 'anima'])
    for (const made of Object.values(secrets)) expect(out + err).not.toContain(made)
  })

  test('says so where its port is taken', async () => {
    const port = await receive()
    expect(await cli(['dev', '--port', String(port)], { env: { POSTERN_ADMIN: '127.0.0.1:0' } })).toBe(1)
    expect(err).toBe(
      `error: PORT: port ${port} is taken by another process; choose another with --port or PORT\n`,
    )
  })

  test('says so where the port of an admin API that was asked for is taken', async () => {
    const port = await receive()
    expect(await cli(['dev'], { env: { PORT: '0', POSTERN_ADMIN: `127.0.0.1:${port}` } })).toBe(1)
    expect(err).toContain('error: POSTERN_ADMIN: ')
  })

  test('goes on without an admin API where its default port is taken', async () => {
    const taken = createServer()
    // Where another process has it, it is taken just the same.
    await new Promise((resolve) => taken.listen(3001, '127.0.0.1', () => resolve(0)).once('error', resolve))
    let signal: ((name: string) => void) | undefined
    const ended = cli(['dev'], {
      env: { PORT: '0' },
      onSignal: (listener) => ((signal = listener), () => {}),
    })
    while (!out.includes('postern trigger')) await new Promise((resolve) => setTimeout(resolve, 10))
    signal?.('SIGINT')
    expect(await ended).toBe(0)
    expect(out).toMatch(/warning: no admin API: port 3001 is taken.* with POSTERN_ADMIN=HOST:PORT\n/)
    await new Promise((resolve) => taken.close(resolve))
  })

  test('refuses a store that is a folder', async () => {
    expect(await cli(['dev', '--store', 'sqlite:.'], { env: { PORT: '0' } })).toBe(1)
    expect(err).toMatch(/^error: --store: .* cannot be used: /)
  })
})
