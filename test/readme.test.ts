import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from './support/servers/free-port.ts'

const README = readFileSync('README.md', 'utf8')
const SECRET = 'readme_secret_0123456789abcdef'
const PACKAGES = ['packages/postern', 'packages/gateway']
/** `docs/transactions.md` has a test of its own, which runs its examples. */
const COPIED_FROM = [
  ...PACKAGES.map((folder) => `${folder}/README.md`),
  ...['explain', 'forwarding', 'notify', 'stores/postgresql', 'stores/redis', 'vendors/week-one'].map(
    (page) => `docs/${page}.md`,
  ),
]
/** Inside the workspace, so that the packages are found. */
const ROOM = resolve('test-results')

let folder: string
let running: ChildProcess | undefined

beforeEach(() => {
  mkdirSync(ROOM, { recursive: true })
  folder = mkdtempSync(join(ROOM, 'readme-'))
})

afterEach(() => {
  running?.kill('SIGKILL')
  running = undefined
  rmSync(folder, { recursive: true, force: true })
})

test('the first example of the README, word for word, verifies, stores and handles an event', async () => {
  const [example = ''] = blocks('ts')
  writeFileSync(join(folder, 'example.mjs'), example)
  const port = await freePort()
  running = spawn(process.execPath, ['example.mjs'], {
    cwd: folder,
    env: { ...process.env, PORT: String(port), VASTAI_WEBHOOK_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const output = linesOf(running)

  const answer = await sendOnceUp(`http://127.0.0.1:${port}/webhooks/vastai`)

  expect(answer).toEqual({ status: 200, body: '{"received":true}' })
  expect(await output.next('outbid:')).toBe('outbid: You were outbid')
  expect(await output.next('outbid 7e9a')).toBe('outbid 7e9a2c4e')

  // The connection of the request above is kept alive; by itself it would last some seconds, and with more requests for ever.
  const exited = once(running, 'exit')
  running.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
})

test('it is about 15 lines long, its imports aside', () => {
  const [example = ''] = blocks('ts')
  const lines = example.trim().split('\n')
  expect(lines.filter((line) => !line.startsWith('import ')).length).toBeLessThanOrEqual(15)
})

test('every example of the READMEs and of the pages that are copied from is sound to the compiler', () => {
  const pages = COPIED_FROM.flatMap((page) => blocks('ts', readFileSync(page, 'utf8')))
  const examples = [...blocks('ts'), ...pages]
  examples.forEach((code, index) => writeFileSync(join(folder, `example-${index}.ts`), code))
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
    '--skipLibCheck',
  ]
  const files = examples.map((_, index) => join(folder, `example-${index}.ts`))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const compiler = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', ...options, ...files], {
    encoding: 'utf8',
  })
  expect(compiler.stdout).toBe('')
})

test.each(PACKAGES)('what %s is published with has its README and licence, and no link out of it', (path) => {
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: path,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as readonly { readonly files: readonly { readonly path: string }[] }[]
  const files = packed[0]?.files.map((file) => file.path)
  expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'bin/postern.js', 'package.json']))
  expect(readFileSync(join(path, 'README.md'), 'utf8')).not.toMatch(/\]\((?!https:)/)
})

test('the README says how each package is had from a registry', () => {
  expect(README).toContain('npm install postern')
  expect(README).toContain('npm install @postern/gateway')
})

test('the README stays under 200 lines', () => {
  expect(README.split('\n').length).toBeLessThanOrEqual(200)
})

function blocks(language: string, text: string = README): string[] {
  return [...text.matchAll(new RegExp('^```' + language + '\\n([\\s\\S]*?)^```$', 'gm'))].map(
    (match) => match[1] ?? '',
  )
}

/** Vast.ai's documented form, signed by OpenSSL. */
async function sendOnceUp(url: string): Promise<{ status: number; body: string }> {
  const body = JSON.stringify({
    event_id: '7e9a2c4e',
    notif_type: 'outbid',
    subject: 'You were outbid',
    message: '',
    timestamp: 1,
  })
  const timestamp = String(Math.floor(Date.now() / 1000))
  const digest = execFileSync('openssl', ['dgst', '-sha256', '-hmac', SECRET, '-hex'], {
    input: `${timestamp}.${body}`,
    encoding: 'utf8',
  })
  const headers = {
    'content-type': 'application/json',
    'x-vast-timestamp': timestamp,
    'x-vast-signature-256': `sha256=${digest.trim().split(' ').at(-1)}`,
  }
  for (;;) {
    const response = await fetch(url, { method: 'POST', body, headers }).catch(() => undefined)
    if (response !== undefined) return { status: response.status, body: await response.text() }
    if (running?.exitCode !== null) throw new Error('the example ended before it listened')
  }
}

function linesOf(child: ChildProcess): { next(start: string): Promise<string> } {
  let text = ''
  let wake: () => void = () => {}
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    wake()
  })
  const find = (start: string): string | undefined => text.split('\n').find((line) => line.startsWith(start))
  return {
    async next(start) {
      while (find(start) === undefined) await new Promise<void>((done) => (wake = done))
      return find(start) ?? ''
    },
  }
}
