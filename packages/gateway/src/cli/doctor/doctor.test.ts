import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPostern, readSecretUse } from 'postern'
import { vastai } from 'postern/providers'
import { sqlite } from 'postern/sqlite'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificate, type CertificateWishes } from '../../../../../test/support/certificates.ts'
import { run } from '../run.ts'
import { checkNode } from './check-node.ts'
import type { Finding } from './finding.ts'

const secret = 'a-secret-of-16-bytes-or-more'
/** Port 0 is always free. */
const SOUND = { VASTAI_WEBHOOK_SECRET: secret, PORT: '0' }

let cwd: string
let out: string

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'postern-doctor-'))
  out = ''
})
afterEach(() => rm(cwd, { recursive: true }))

async function* noInput(): AsyncGenerator<Uint8Array> {}

function doctor(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  nodeVersion = '20.19.0',
): Promise<number> {
  return run(['doctor', ...args], {
    env,
    cwd,
    stdin: noInput(),
    stdout: { write: (text) => void (out += text) },
    stderr: { write: () => {} },
    now: Date.now,
    randomBytes: (length) => Buffer.alloc(length),
    version: '1.2.3',
    nodeVersion,
    onSignal: () => () => {},
    onFatal: () => () => {},
    exit: () => {},
  })
}

/** What was found, apart from what is as it should be. */
async function troubles(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<object> {
  out = ''
  const code = await doctor([...args, '--json'], env)
  const { sound, findings } = JSON.parse(out) as {
    readonly sound: boolean
    readonly findings: readonly Finding[]
  }
  expect(sound).toBe(code === 0)
  const found = findings.filter(({ level, subject }) => level !== 'ok' && subject !== 'handlers')
  return { code, found: found.map(({ level, subject, message }) => `${level} ${subject}: ${message}`) }
}

async function listen(answer: string): Promise<Server> {
  const server = createServer((_request, response) => response.end(answer))
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())))
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  return server
}

const portOf = (server: Server): string => String((server.address() as AddressInfo).port)

test('what serve can start with is sound, and stays as it was', async () => {
  expect(await doctor([], SOUND)).toBe(0)
  expect(out).toMatch(
    /^ok {4}node +20\.19\.0\nok {4}sources\.vastai +has its secret from VASTAI_WEBHOOK_SECRET\n/,
  )
  expect(out).toMatch(/\nSound\.\n$/)
  expect(existsSync(join(cwd, '.postern'))).toBe(false)
})

test('a file that is there is looked at', async () => {
  const store = sqlite(join(cwd, 'events.db'))
  await store.stat()
  await store.close()
  await doctor(['--store', 'sqlite:events.db'], SOUND)
  expect(out).toMatch(/ok +store +SQLite 3\.\d+\.\d+ at .*events\.db/)
  expect(out).toMatch(
    /ok +store\.durability +what is answered 200 is on stable storage: journal_mode wal, synchronous FULL/,
  )
  expect(out).toMatch(/ok +store\.schema +version \d+/)
})

test('a file whose clock has gone on, since this machine’s was set back, is warned of', async () => {
  const store = sqlite(join(cwd, 'events.db'), { now: () => Date.now() + 3 * 60 * 60 * 1000 })
  const postern = createPostern({ store, sources: { vastai: vastai({ secret }) } })
  await postern.record('vastai', { type: 'outbid', id: 'evt_1', body: '{}', witness: 'test' })
  await postern.stop()
  expect(await troubles(SOUND, ['--store', 'sqlite:events.db'])).toEqual({
    code: 0,
    found: [
      expect.stringMatching(/^warn store\.clock: .*10[78]\d\d\.\d s ahead of .*: this one was set back/),
    ],
  })
})

test.runIf(process.platform !== 'win32')(
  'a file that is there and that everybody can read is warned of',
  async () => {
    const path = join(cwd, 'data/events.db')
    const store = sqlite(path)
    await store.stat()
    await store.close()
    await chmod(join(cwd, 'data'), 0o755)
    await chmod(path, 0o644)
    expect(await troubles(SOUND, ['--store', 'sqlite:data/events.db'])).toEqual({
      code: 0,
      found: [expect.stringMatching(/^warn store\.access: .*data\/events\.db.*mode 0644.*chmod 600/)],
    })
  },
)

describe('secrets', () => {
  test('that are missing or blank are named, each by its variable', async () => {
    await writeFile(
      join(cwd, 'postern.config.mjs'),
      `import { anima, castai } from '${import.meta.resolve('postern/providers')}'\nexport const config = { sources: { anima: anima(), castai: castai() } }`,
    )
    expect(await troubles({ CASTAI_WEBHOOK_SECRET: ' ', PORT: '0' })).toEqual({
      code: 1,
      found: [
        expect.stringMatching(/^fail sources\.anima\.secret: ANIMA_WEBHOOK_SECRET is not set/),
        expect.stringMatching(/^fail sources\.castai\.secret: CASTAI_WEBHOOK_SECRET is blank/),
      ],
    })
  })

  test('that are missing are the only failure where handlers and pulls name their source', async () => {
    await writeFile(
      join(cwd, 'postern.config.mjs'),
      `import { vastai, anima } from '${import.meta.resolve('postern/providers')}'
       export const config = {
         sources: { vastai: vastai(), anima: anima() },
         handlers: (on) => [on('vastai', 'outbid', () => {}), on('anima', '*', () => {})],
       }`,
    )
    const missing = (name: string): object => expect.stringMatching(`^fail sources.${name}.secret: `)
    expect(await troubles({ PORT: '0' })).toEqual({ code: 1, found: [missing('vastai'), missing('anima')] })
    expect(await troubles({ PORT: '0', ANIMA_WEBHOOK_SECRET: secret })).toEqual({
      code: 1,
      found: [missing('vastai')],
    })
  })

  test('that are short are warned of, and not shown', async () => {
    const found = [expect.stringMatching(/^warn sources\.vastai: .*shorter than 16 bytes/)]
    expect(await troubles({ VASTAI_WEBHOOK_SECRET: 'hunter2', PORT: '0' })).toEqual({ code: 0, found })
    expect(out).not.toContain('hunter2')
  })

  test('of nobody at all are a failure', async () => {
    const found = [expect.stringMatching(/^fail sources: .*VASTAI_WEBHOOK_SECRET/)]
    expect(await troubles({ PORT: '0' })).toEqual({ code: 1, found })
  })
})

describe('secrets that are being rotated', () => {
  const DAY_MS = 86_400_000
  const [newest, oldest] = ['the-new-one-of-16-bytes', 'the-old-one-of-16-bytes']
  const env = { ...SOUND, VASTAI_WEBHOOK_SECRET: newest, VASTAI_WEBHOOK_SECRET_2: oldest }

  /** Notes when each secret last matched, as a gateway would have. */
  async function matched(...agoMs: readonly (number | undefined)[]): Promise<void> {
    const store = sqlite(join(cwd, 'events.db'))
    const sources = { vastai: vastai({ secret: [newest, oldest] }) }
    for (const [index, { label }] of (await readSecretUse(store.state, sources)).entries()) {
      const ago = agoMs[index]
      if (ago === undefined) continue
      await store.state.set(`secret-matched/vastai/secret/${label}`, new Date(Date.now() - ago).toISOString())
    }
    await store.close()
  }

  async function said(): Promise<readonly string[]> {
    out = ''
    expect(await doctor(['--store', 'sqlite:events.db', '--json'], env)).toBe(0)
    const { findings } = JSON.parse(out) as { readonly findings: readonly Finding[] }
    expect(out).not.toMatch(/of-16/)
    return findings
      .filter(({ message }) => /^secret \d/.test(message))
      .map(({ level, message }) => `${level} ${message.replace(/\([0-9a-f]{4}\)/, '(label)')}`)
  }

  test('are told of: an old one that nothing uses any longer is to be taken away', async () => {
    await matched(5 * 60_000, 3 * DAY_MS + 60_000)
    expect(await said()).toEqual([
      'ok secret 1 (label) last matched 5 min ago',
      'warn secret 2 (label) last matched 3 days ago, and the newest since then: take the old one away',
    ])
  })

  test('are left in peace while the old one is in use, or the new one is not', async () => {
    await matched(undefined, 2 * DAY_MS)
    expect(await said()).toEqual([
      'ok secret 1 (label) has matched no request that is known of',
      'ok secret 2 (label) last matched 2 days ago',
    ])
    await matched(60_000, 3 * 3_600_000)
    expect(await said()).toEqual([
      'ok secret 1 (label) last matched 1 min ago',
      'ok secret 2 (label) last matched 3 h ago',
    ])
  })

  test('are not looked for where there is no store yet', async () => {
    expect(await said()).toEqual([])
    expect(existsSync(join(cwd, 'events.db'))).toBe(false)
  })
})

test('a configuration that cannot be read is a failure', async () => {
  await writeFile(join(cwd, 'postern.config.mjs'), 'export const config = { sources: {}, retries: 3 }')
  expect(await troubles(SOUND)).toMatchObject({
    code: 1,
    found: expect.arrayContaining([expect.stringMatching(/^fail retries: unknown option/)]),
  })
})

test('a source that handles what it does not have is a failure, as in serve', async () => {
  await writeFile(
    join(cwd, 'postern.config.mjs'),
    `import { vastai } from '${import.meta.resolve('postern/providers')}'
     export const config = { sources: { vastai: vastai() }, handlers: (on) => [on('castai', '*', () => {})] }`,
  )
  expect(await troubles(SOUND)).toEqual({
    code: 1,
    found: [expect.stringMatching(/^fail configuration: .*'castai'/)],
  })
})

describe('ports', () => {
  test('that another process has are a failure', async () => {
    const port = portOf(await listen('something else'))
    expect(await troubles({ ...SOUND, PORT: port, POSTERN_ADMIN: `127.0.0.1:${port}` })).toEqual({
      code: 1,
      found: [
        `fail PORT: port ${port} is taken by another process; choose another with --port or PORT`,
        expect.stringMatching(/^fail POSTERN_ADMIN: port \d+ is taken.* with POSTERN_ADMIN=HOST:PORT$/),
      ],
    })
  })

  test('that a gateway has are well', async () => {
    const port = portOf(await listen('{"status":"ok"}'))
    expect(await troubles({ ...SOUND, PORT: port, POSTERN_ADMIN: `127.0.0.1:${port}` })).toEqual({
      code: 0,
      found: [],
    })
  })
})

describe('the files of TLS', () => {
  const DAY_MS = 86_400_000
  const path = (name: string): string => join(cwd, name)

  /** By openssl; in the test's folder. */
  async function makePair(name: string, wishes: Partial<CertificateWishes> = {}): Promise<void> {
    const { certificate, privateKey } = makeCertificate({ name, kind: 'ec', ...wishes })
    await writeFile(path(`${name}.crt`), certificate)
    await writeFile(path(`${name}.key`), privateKey, { mode: 0o600 })
  }

  /** As openssl takes it: `20260101000000Z`. */
  const inDays = (days: number): string =>
    new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, '')

  const files = (cert: string, key = cert): Record<string, string> => ({
    ...SOUND,
    POSTERN_TLS_CERT: `${cert}.crt`,
    POSTERN_TLS_KEY: `${key}.key`,
  })

  async function tlsFindings(
    env: Record<string, string>,
    args: readonly string[] = [],
  ): Promise<readonly string[]> {
    out = ''
    await doctor(['--json', ...args], env)
    expect(out).not.toContain('PRIVATE')
    const { findings } = JSON.parse(out) as { readonly findings: readonly Finding[] }
    return findings
      .filter(({ subject }) => /tls/i.test(subject))
      .map(({ level, subject, message }) => `${level} ${subject}: ${message}`)
  }

  test('are not looked for where none are named', async () => {
    expect(await tlsFindings(SOUND)).toEqual([
      'ok POSTERN_TLS_CERT: is not set: the listener speaks plain HTTP',
    ])
  })

  test('that belong together are sound, by variables and by flags', async () => {
    await makePair('pair', { to: inDays(20) })
    const [cert, key] = [
      expect.stringMatching(/the certificate .*pair\.crt ends at 20\d\d-/),
      expect.stringMatching(/pair\.key is its key$/),
    ]
    expect(await troubles(files('pair'))).toEqual({ code: 0, found: [] })
    expect(await tlsFindings(files('pair'))).toEqual([cert, key])
    const flags = ['--tls-cert', 'pair.crt', '--tls-key', 'pair.key']
    expect(await tlsFindings(SOUND, flags)).toEqual([
      expect.stringMatching(/^ok --tls-cert: /),
      expect.stringMatching(/^ok --tls-key: /),
    ])
  })

  test('that are not there, not readable as such, or of two pairs are failures', async () => {
    await makePair('pair')
    await makePair('other')
    await writeFile(path('junk.key'), 'junk')
    const failed = async (env: Record<string, string>): Promise<object> => await troubles(env)
    expect(await failed(files('none', 'pair'))).toEqual({
      code: 1,
      found: [expect.stringMatching(/^fail POSTERN_TLS_CERT: cannot be read: .*ENOENT/)],
    })
    expect(await failed(files('pair', 'junk'))).toEqual({
      code: 1,
      found: [expect.stringMatching(/^fail POSTERN_TLS_KEY: .*junk\.key is not a private key in PEM/)],
    })
    expect(await failed(files('pair', 'other'))).toEqual({
      code: 1,
      found: [expect.stringMatching(/^fail POSTERN_TLS_KEY: .*other\.key is not the key of .*pair\.crt/)],
    })
    expect(await failed({ ...SOUND, POSTERN_TLS_CERT: 'pair.crt' })).toEqual({
      code: 1,
      found: [expect.stringMatching(/^fail POSTERN_TLS_KEY: is not set/)],
    })
  })

  test('are warned of 14 days before the certificate ends, and fail when it has ended or is still to begin', async () => {
    await makePair('soon', { to: inDays(13.9) })
    await makePair('later', { to: inDays(14.1) })
    await makePair('ended', { from: inDays(-9), to: inDays(-0.1) })
    await makePair('early', { from: inDays(0.1), to: inDays(90) })
    const found = (text: RegExp): object[] => [expect.stringMatching(text)]
    expect(await troubles(files('soon'))).toEqual({
      code: 0,
      found: found(/^warn POSTERN_TLS_CERT: .*soon\.crt ends at 20/),
    })
    expect(await troubles(files('later'))).toEqual({ code: 0, found: [] })
    expect(await troubles(files('ended'))).toEqual({
      code: 1,
      found: found(/^fail POSTERN_TLS_CERT: .*ended\.crt ended at 20.*senders refuse it/),
    })
    expect(await troubles(files('early'))).toEqual({
      code: 1,
      found: found(/^fail POSTERN_TLS_CERT: .*early\.crt begins at 20/),
    })
  })

  test('are warned of where everybody can read the key', async () => {
    await makePair('open', { to: inDays(90) })
    await chmod(path('open.key'), 0o644)
    expect(await troubles(files('open'))).toEqual({ code: 0, found: [] })
    // Which nobody could get at, in a folder that is the owner's alone.
    await chmod(cwd, 0o755)
    expect(await troubles(files('open'))).toEqual({
      code: 0,
      found: [expect.stringMatching(/^warn POSTERN_TLS_KEY: .*by everybody .*mode 0644.*chmod 600/)],
    })
    expect(await tlsFindings(files('open'))).toHaveLength(2)
  })
})

test('everything wrong is told at once', async () => {
  const env = {
    VASTAI_WEBHOOK_SECRET: secret,
    PORT: 'x',
    POSTERN_STORE: 'sqlite:postern.config.mjs/a.db',
    POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS: 'maybe',
  }
  await writeFile(join(cwd, 'other.mjs'), '')
  await writeFile(join(cwd, 'postern.config.mjs'), '')
  expect(await troubles(env, ['--config', 'other.mjs'])).toEqual({
    code: 1,
    found: [
      expect.stringMatching(/^fail other\.mjs: /),
      expect.stringMatching(/^fail PORT: /),
      expect.stringMatching(/^fail POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS: /),
      expect.stringMatching(
        /^fail POSTERN_STORE: .*a\.db is not there, and .*postern\.config\.mjs is no folder/,
      ),
    ],
  })
})

test.each([
  ['20.19.0', 'ok'],
  ['20.20.2', 'ok'],
  ['22.0.0', 'ok'],
  ['20.18.9', 'fail'],
  ['19.99.99', 'fail'],
  ['8.0.0', 'fail'],
])('Node %s: %s', (version, level) => expect(checkNode(version).level).toBe(level))

test('a Node that is too old is a failure', async () => {
  expect(await doctor([], SOUND, '18.0.0')).toBe(1)
  expect(out).toMatch(/^fail +node +18\.0\.0 is too old/)
})
