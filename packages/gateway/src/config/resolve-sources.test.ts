import { custom, hasSecret, verify } from 'postern'
import { templateProviders, vastai } from 'postern/providers'
import { describe, expect, test } from 'vitest'
import { resolveSources, sourcesOf, withoutSecret } from './resolve-sources.ts'

const own = vastai({ secret: 'secret-of-the-configuration' })
const bare = vastai({ toleranceSeconds: 60, maxBodyBytes: 5 })

test('a secret of the configuration wins, then the environment, then a development secret', () => {
  const resolved = resolveSources(
    { own, env: bare, made: bare },
    {
      env: { OWN_WEBHOOK_SECRET: 'x'.repeat(16), ENV_WEBHOOK_SECRET: 'y'.repeat(16) },
      developmentSecrets: new Map([['made', 'z'.repeat(16)]]),
    },
  )
  const origins = resolved.ok && [...resolved.value].map(([name, { origin }]) => `${name}: ${origin}`)
  expect(origins).toEqual(['own: configuration', 'env: environment', 'made: development'])
})

test('a source keeps its options when it gets a secret', () => {
  const resolved = resolveSources({ bare }, { env: { BARE_WEBHOOK_SECRET: 'x'.repeat(16) } })
  const source = resolved.ok ? resolved.value.get('bare')?.source : undefined
  expect(source).toMatchObject({ toleranceSeconds: 60, maxBodyBytes: 5 })
  expect(source && hasSecret(source)).toBe(true)
})

describe('in production a source without a secret is a problem, named with its variable', () => {
  test.each([
    [{}, 'VASTAI_WEBHOOK_SECRET is not set'],
    [{ VASTAI_WEBHOOK_SECRET: ' ' }, 'VASTAI_WEBHOOK_SECRET is blank'],
  ])('%j', (env, expected) => {
    const resolved = resolveSources({ vastai: vastai({ secret: '' }), fine: own }, { env })
    expect(resolved).toMatchObject({
      problems: [{ path: 'sources.vastai.secret', message: expect.stringContaining(expected) }],
    })
  })
})

test('a secret that its provider cannot have made is named, and not repeated', () => {
  const source = custom({
    scheme: {
      algorithm: 'hmac-sha256',
      key: { as: 'base64' },
      signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
      content: ['body'],
    },
    envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
  })
  const resolved = resolveSources({ mine: source }, { env: { MINE_WEBHOOK_SECRET: 'not base64!' } })
  expect(resolved).toMatchObject({
    problems: [{ path: 'sources.mine.secret', message: expect.stringMatching(/^MINE_WEBHOOK_SECRET: /) }],
  })
  expect(JSON.stringify(resolved)).not.toContain('not base64!')
})

test('development secrets are needed where neither configuration nor environment has one', () => {
  const env = { CASTAI_WEBHOOK_SECRET: 'x'.repeat(16), ANIMA_WEBHOOK_SECRET: '' }
  expect(withoutSecret({ ...sourcesOf(templateProviders), vastai: own }, env)).toEqual(['coreweave', 'anima'])
})

test('a source with a secret of the environment verifies with it', async () => {
  const resolved = resolveSources({ vastai: vastai() }, { env: { VASTAI_WEBHOOK_SECRET: 'x'.repeat(16) } })
  const source = resolved.ok ? resolved.value.get('vastai')?.source : undefined
  const verdict = source && (await verify({ headers: [], body: new Uint8Array() }, source))
  expect(verdict).toEqual({ ok: false, reason: 'missing_header' })
})
