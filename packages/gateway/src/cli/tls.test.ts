import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { request as httpsRequest, Agent } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve as resolvePath } from 'node:path'
import { connect, type SecureVersion, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { PublicServer } from './server.ts'
import { readTls, TlsReload, type TlsFiles } from './tls.ts'

/** Longer than a test takes: what it tells the reload to read, nothing else does. */
const HOUR_MS = 60 * 60 * 1000

let folder: string
let files: TlsFiles

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-tls-'))
  makePair('one')
  makePair('two')
  files = filesFor('one', 'one')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A certificate for localhost by openssl, with its key. */
function makePair(name: string, days = 30): void {
  execFileSync(
    'openssl',
    // prettier-ignore
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', String(days),
      '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost', '-keyout', path(`${name}.key`), '-out', path(`${name}.crt`)],
    { stdio: 'ignore' },
  )
  chmodSync(path(`${name}.key`), 0o600)
}

function path(name: string): string {
  return join(folder, name)
}

function filesFor(cert: string, key: string): TlsFiles {
  return {
    certPath: path(`${cert}.crt`),
    keyPath: path(`${key}.key`),
    certSetting: 'POSTERN_TLS_CERT',
    keySetting: 'POSTERN_TLS_KEY',
  }
}

async function problemsOf(which: TlsFiles): Promise<readonly string[]> {
  const read = await readTls(which, Date.now())
  return read.ok ? [] : read.problems.map((each) => `${each.path}: ${each.message}`)
}

describe('what cannot work is refused before anything listens', () => {
  test('a key of another certificate', async () => {
    expect(await problemsOf(filesFor('one', 'two'))).toEqual([
      expect.stringMatching(/^POSTERN_TLS_KEY: .*two\.key is not the key of the certificate in .*one\.crt/),
    ])
  })

  test('files that are not there, and that are something else', async () => {
    writeFileSync(path('junk.crt'), 'junk')
    writeFileSync(path('junk.key'), 'junk')
    expect(await problemsOf(filesFor('none', 'one'))).toEqual([
      expect.stringMatching(/^POSTERN_TLS_CERT: cannot be read: .*ENOENT/),
    ])
    expect(await problemsOf(filesFor('junk', 'one'))).toEqual([
      expect.stringMatching(/^POSTERN_TLS_CERT: .*is not a certificate in PEM/),
    ])
    expect(await problemsOf(filesFor('one', 'junk'))).toEqual([
      expect.stringMatching(/^POSTERN_TLS_KEY: .*is not a private key in PEM/),
    ])
  })

  test('a chain that breaks off behind a sound first certificate', async () => {
    appendBrokenChain('one')
    expect(await problemsOf(filesFor('broken', 'one'))).toEqual([
      expect.stringMatching(
        /^POSTERN_TLS_CERT: .*broken\.crt, with its chain, and .* cannot be used together/,
      ),
    ])
  })

  test('a key with a passphrase, which nobody is there to give', async () => {
    execFileSync('openssl', [
      'pkey',
      '-in',
      path('one.key'),
      '-aes256',
      '-passout',
      'pass:x',
      '-out',
      path('locked.key'),
    ])
    expect(await problemsOf(filesFor('one', 'locked'))).toEqual([expect.stringContaining('is encrypted')])
  })
})

test('a key that everybody can read, and a certificate that ends, has ended or is still to begin, are warned of', async () => {
  const now = Date.now()
  const days = (count: number): number => now + count * 24 * 60 * 60 * 1000
  expect(await readTls(files, days(15))).toMatchObject({ ok: true, value: { warnings: [] } })
  copyFileSync(path('one.key'), path('open.key'))
  chmodSync(path('open.key'), 0o644)
  chmodSync(folder, 0o755)
  const [setting, isRefused] = ['POSTERN_TLS_CERT', true]
  expect(await readTls({ ...files, keyPath: path('open.key') }, days(17))).toMatchObject({
    value: {
      warnings: [
        { setting, message: expect.stringMatching(/ends at/), isRefused: false },
        {
          setting: 'POSTERN_TLS_KEY',
          message: expect.stringMatching(/by everybody .*mode 0644/),
          isRefused: false,
        },
      ],
    },
  })
  expect(await readTls(files, days(31))).toMatchObject({
    value: { warnings: [{ setting, message: expect.stringMatching(/ended at/), isRefused }] },
  })
  expect(await readTls(files, days(-1))).toMatchObject({
    value: { warnings: [{ setting, message: expect.stringMatching(/begins at/), isRefused }] },
  })
})

describe('the listener', () => {
  test('answers over TLS 1.2 and 1.3, and no older one', async () => {
    const { port } = await start()
    expect((await ask(port)).status).toBe(200)
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      expect((await handshake(port, version)).getProtocol()).toBe(version)
    await expect(handshake(port, 'TLSv1.1')).rejects.toThrow(/protocol|EPROTO|alert|ECONNRESET/i)
  })

  test('closes a connection that never shakes hands, and one that then sends nothing', async () => {
    const { port } = await start()
    const plain = connectPlain(port, '127.0.0.1')
    const silent = await handshake(port, 'TLSv1.3')
    await Promise.all(
      [plain, silent].map(
        (socket) =>
          new Promise((closed) =>
            socket
              .on('error', () => {})
              .on('close', closed)
              .resume(),
          ),
      ),
    )
  })

  test('does not answer plain HTTP', async () => {
    const { port } = await start()
    const socket = connectPlain(port, '127.0.0.1')
    let received = ''
    socket.on('data', (chunk) => (received += chunk.toString('latin1')))
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await new Promise((closed) => socket.on('error', () => {}).on('close', closed))
    expect(received).not.toContain('200')
  })

  test('takes a renewed certificate for new connections, and keeps the open ones', async () => {
    replaceBy('one')
    const { port, server } = await start()
    const renewing = { ...files, certPath: path('live.crt'), keyPath: path('live.key') }
    const lines: string[] = []
    const log = {
      debug() {},
      info: (text: string) => void lines.push(text),
      warn() {},
      error: (text: string) => void lines.push(text),
    }
    const follow = new TlsReload({
      files: renewing,
      use: (options) => server.renew(options),
      log,
      now: Date.now,
      lookEveryMs: 20,
    })
    onTestFinished(() => follow.stop())
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    expect((await ask(port, agent)).subject).toBe('one')

    replaceBy('two')
    await vi.waitFor(async () => expect((await ask(port)).subject).toBe('two'), { timeout: 10_000 })
    expect((await ask(port, agent)).subject).toBe('one')

    writeFileSync(path('live.key'), 'half of a ke')
    await vi.waitFor(() => expect(lines.at(-1)).toMatch(/^the certificate was not renewed/), {
      timeout: 10_000,
    })
    expect((await ask(port)).subject).toBe('two')
    expect((await ask(port, agent)).status).toBe(200)
  })
})

test('a chain that breaks off is not taken, and what comes after it is', async () => {
  replaceBy('one')
  const live = { ...files, certPath: path('live.crt'), keyPath: path('live.key') }
  const taken: unknown[] = []
  const errors: unknown[] = []
  const log = { debug() {}, info() {}, warn() {}, error: (...line: unknown[]) => void errors.push(line) }
  const follow = new TlsReload({
    files: live,
    use: (options) => taken.push(options),
    log,
    now: Date.now,
    lookEveryMs: HOUR_MS,
  })
  onTestFinished(() => follow.stop())
  appendBrokenChain('two')
  replaceBy('broken', 'two')
  await follow.reload()
  expect([taken.length, errors.length]).toEqual([0, 1])
  replaceBy('two')
  await follow.reload()
  expect([taken.length, errors.length]).toEqual([1, 1])
})

test('a listener that refuses a pair keeps the next one from nothing', async () => {
  replaceBy('one')
  const live = { ...files, certPath: path('live.crt'), keyPath: path('live.key') }
  const errors: unknown[][] = []
  const log = { debug() {}, info() {}, warn() {}, error: (...line: unknown[]) => void errors.push(line) }
  const use = vi.fn<() => void>().mockImplementationOnce(() => {
    throw new Error('not that one')
  })
  const follow = new TlsReload({ files: live, use, log, now: Date.now, lookEveryMs: HOUR_MS })
  onTestFinished(() => follow.stop())
  await follow.reload()
  await follow.reload()
  expect(use).toHaveBeenCalledTimes(2)
  expect(errors).toEqual([
    ['the certificate was not renewed; the one before stays in use', { error: new Error('not that one') }],
  ])
})

test('serve reads a renewed pair at once on SIGHUP, and goes on', async () => {
  replaceBy('one')
  const child = spawn(process.execPath, [resolvePath('packages/gateway/bin/postern.js'), 'serve'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      VASTAI_WEBHOOK_SECRET: 'serve_secret_0123456789abcdef',
      POSTERN_TLS_CERT: 'live.crt',
      POSTERN_TLS_KEY: 'live.key',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const line = async (pattern: RegExp): Promise<string> => {
    await vi.waitFor(() => expect(output).toMatch(pattern), { timeout: 20_000, interval: 20 })
    return pattern.exec(output)?.[1] ?? ''
  }
  const port = Number(await line(/"port":(\d+),.*"tls":true/))
  expect((await ask(port)).subject).toBe('one')
  replaceBy('two')
  child.kill('SIGHUP')
  await line(/(the certificate was read again)/)
  expect((await ask(port)).subject).toBe('two')
  child.kill('SIGTERM')
  expect((await once(child, 'exit'))[0]).toBe(0)
})

function replaceBy(cert: string, key = cert): void {
  for (const [name, end] of [
    [key, 'key'],
    [cert, 'crt'],
  ] as const) {
    copyFileSync(path(`${name}.${end}`), path('next'))
    renameSync(path('next'), path(`live.${end}`))
  }
}

/** `broken.crt`: a sound certificate, and behind it what was cut off, as a copy that ran out of space leaves it. */
function appendBrokenChain(name: string): void {
  copyFileSync(path(`${name}.crt`), path('broken.crt'))
  appendFileSync(path('broken.crt'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
}

async function start(): Promise<{ readonly port: number; readonly server: PublicServer }> {
  const read = await readTls(files, Date.now())
  if (!read.ok) throw new Error(read.problems[0]?.message)
  const server = new PublicServer({
    postern: { isReady: async () => true, node: async (_request, response) => void response.end() },
    maxBodyBytesAt: () => undefined,
    limits: { silenceTimeoutMs: 300, headersTimeoutMs: 300, checkIntervalMs: 50 },
    tls: read.value.options,
  })
  onTestFinished(() => server.drain({ announceMs: 0, graceMs: 0 }))
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  return { port, server }
}

function ask(port: number, agent?: Agent): Promise<{ readonly status: number; readonly subject: string }> {
  return new Promise((resolve, reject) => {
    httpsRequest(
      {
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        path: '/healthz',
        rejectUnauthorized: false,
        agent: agent ?? false,
      },
      (response) => {
        const { CN = '' } = (response.socket as TLSSocket).getPeerCertificate().subject
        response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, subject: String(CN) }))
      },
    )
      .on('error', reject)
      .end()
  })
}

function handshake(port: number, version: SecureVersion): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        minVersion: version,
        maxVersion: version,
        // The client's own OpenSSL would refuse the old ones otherwise, and nothing would reach the server.
        ciphers: 'DEFAULT:@SECLEVEL=0',
      },
      () => resolve(socket),
    )
    socket.on('error', reject)
    onTestFinished(() => void socket.destroy())
  })
}
