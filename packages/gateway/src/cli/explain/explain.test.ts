import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sign } from 'postern'
import { github, openai, stripe } from 'postern/providers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CliContext } from '../context.ts'
import { run } from '../run.ts'
import { cliContext } from '../../../../../test/support/cli-context.ts'

const SECRET = 'a-secret-of-16-bytes-or-more'
const NOW_MS = 1_772_490_001_000
const BODY = '{"zen":"Keep it logically awesome.","hook_id":1}'

let cwd: string
let out: string
let err: string

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'postern-explain-'))
  out = ''
  err = ''
})
afterEach(() => rm(cwd, { recursive: true }))

async function* input(text = ''): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

function cli(args: readonly string[], env: CliContext['env'] = {}, stdin = ''): Promise<number> {
  const stdout = { write: (text: string) => void (out += text) }
  const stderr = { write: (text: string) => void (err += text) }
  const context = cliContext({ env, cwd, stdin: input(stdin), stdout, stderr, now: () => NOW_MS })
  return run(args, context)
}

async function kept(
  headers: Readonly<Record<string, string>>,
  body: string,
  name = 'request.http',
): Promise<void> {
  const head = Object.entries({ host: 'example.com', ...headers }).map(
    ([key, value]) => `${key}: ${value}\r\n`,
  )
  await writeFile(join(cwd, name), `POST /webhooks/x HTTP/1.1\r\n${head.join('')}\r\n${body}`)
}

const signed = (body = BODY): Record<string, string> =>
  sign(github({ secret: SECRET }), { body, nowMs: NOW_MS })

describe('explain', () => {
  test('says that a request verifies', async () => {
    await kept(signed(), BODY)
    expect(
      await cli(['explain', 'github', '--request', 'request.http'], { GITHUB_WEBHOOK_SECRET: SECRET }),
    ).toBe(0)
    expect(out).toBe('github: verified\n')
  })

  test('says what was done to it, and what to do, and no secret', async () => {
    await kept(signed(), JSON.stringify(JSON.parse(BODY), undefined, 2))
    expect(
      await cli(['explain', 'github', '--request', 'request.http'], { GITHUB_WEBHOOK_SECRET: SECRET }),
    ).toBe(1)
    expect(out).toContain('github: not verified, signature_mismatch\n')
    expect(out).toContain('  proven  body_reserialised: it verifies once the body is written compactly')
    expect(out).toContain('hand over the bytes as they came')
    expect(out + err).not.toContain(SECRET.slice(0, 10))
  })

  test('takes the request from standard input, and answers JSON', async () => {
    const request = JSON.stringify({ headers: signed(), body: `${BODY}\n` })
    expect(
      await cli(['explain', 'github', '--request', '-', '--secret', SECRET, '--json'], {}, request),
    ).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      source: 'github',
      verdict: 'signature_mismatch',
      findings: [{ cause: 'body_newline', certainty: 'proven', scheme: 'github-signature-256' }],
      complete: true,
    })
  })

  test('takes every secret that is given, in place of those that are set', async () => {
    await kept(signed(), BODY)
    const args = ['explain', 'github', '--request', 'request.http', '--secret', 'one-of-16-bytes-or-more']
    expect(await cli(args, { GITHUB_WEBHOOK_SECRET: SECRET })).toBe(1)
    expect(await cli([...args, '--secret', SECRET])).toBe(0)
  })

  test('takes the second secret of a rotation, and the one that was made for development', async () => {
    await kept(signed(), BODY)
    const both = { GITHUB_WEBHOOK_SECRET: 'one-of-16-bytes-or-more', GITHUB_WEBHOOK_SECRET_2: SECRET }
    expect(await cli(['explain', 'github', '--request', 'request.http'], both)).toBe(0)
    await mkdir(join(cwd, '.postern'))
    await writeFile(join(cwd, '.postern', 'secrets.json'), JSON.stringify({ github: SECRET }))
    expect(await cli(['explain', 'github', '--request', 'request.http'])).toBe(0)
  })

  test('tries the secrets of other sources', async () => {
    await kept(signed(), BODY)
    const env = { GITHUB_WEBHOOK_SECRET: 'one-of-16-bytes-or-more', STRIPE_WEBHOOK_SECRET: SECRET }
    expect(await cli(['explain', 'github', '--request', 'request.http'], env)).toBe(1)
    expect(out).toContain(
      'proven  secret_of_another_source: it verifies with the secret of the source stripe',
    )
  })

  test('says what is wrong with a secret that no source would start with', async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const id = 'msg_1'
    await kept(sign(openai({ secret }), { body: BODY, nowMs: NOW_MS, id }), BODY)
    expect(
      await cli(['explain', 'openai', '--request', 'request.http'], { OPENAI_WEBHOOK_SECRET: `${secret}\n` }),
    ).toBe(1)
    expect(out).toContain('proven  secret_whitespace')
  })

  test('holds the time against the moment that is given', async () => {
    const headers = sign(stripe({ secret: SECRET }), { body: BODY, nowMs: NOW_MS - 86_400_000 })
    await kept(headers, BODY)
    const args = ['explain', 'stripe', '--request', 'request.http', '--secret', SECRET]
    expect(await cli(args)).toBe(1)
    expect(out).toContain(
      'proven  timestamp_off: the signature verifies, and the time is 86400 s behind this clock',
    )
    expect(await cli([...args, '--at', new Date(NOW_MS - 86_400_000).toISOString()])).toBe(0)
    expect(await cli([...args, '--at', String(NOW_MS / 1000 - 86_400)])).toBe(0)
  })

  test('names the provider that signed it', async () => {
    await kept(sign(stripe({ secret: SECRET }), { body: BODY, nowMs: NOW_MS }), BODY)
    expect(await cli(['explain', 'github', '--request', 'request.http', '--secret', SECRET])).toBe(1)
    expect(out).toContain('proven  other_provider: it verifies as Stripe signs it')
  })

  test('takes the body from elsewhere, as curl -v does not show it', async () => {
    const lines = Object.entries(signed()).map(([name, value]) => `> ${name}: ${value}\n`)
    await writeFile(join(cwd, 'curl.txt'), `* Trying\n> POST /x HTTP/1.1\n${lines.join('')}>\n`)
    await writeFile(join(cwd, 'body.json'), BODY)
    const args = ['explain', 'github', '--request', 'curl.txt', '--secret', SECRET, '--data', '@body.json']
    expect(await cli(args)).toBe(0)
  })

  test.each([
    ['no request', ['explain', 'github'], /--request/],
    ['a file that is not there', ['explain', 'github', '--request', 'no.http'], /no\.http/],
    ['an unknown source', ['explain', 'nobody', '--request', 'request.http'], /no source 'nobody'/],
    ['a time that is none', ['explain', 'github', '--request', 'request.http', '--at', 'soon'], /--at/],
    ['a source that is missing', ['explain'], /source/],
  ])('is a usage error with %s', async (_, args, message) => {
    await kept(signed(), BODY)
    expect(await cli(args)).toBe(2)
    expect(err).toMatch(message)
  })
})
