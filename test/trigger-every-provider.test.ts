/**
 * `postern trigger` as every provider of the catalogue, over real HTTP to one gateway that has them all: the command's own
 * function, since a process for each would take minutes.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineAnySource, type Provider, type Scheme, type Source } from 'postern'
import { providers } from 'postern/providers'
import { samples } from 'postern/samples'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CliContext } from '../packages/gateway/src/cli/context.ts'
import { run } from '../packages/gateway/src/cli/run.ts'
import { startGateway, type RunningGateway } from '../packages/gateway/src/cli/gateway.ts'
import { keyPair } from './support/key-pairs.ts'
import { otherKeys, otherSecretOf, ownCertificate } from './support/other-schemes.ts'
import { isSignature, secretOf } from './support/signed-sample.ts'
import { cliContext } from './support/cli-context.ts'

/** Only the issuer of a token can make one; nobody who runs this has its key. */
const triggered = providers.filter(({ schemes }) => schemes.some(({ algorithm }) => algorithm !== 'jwt'))

let folder: string
let gateway: RunningGateway
let out: string
const accepted: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-trigger-'))
  const sources = Object.fromEntries(triggered.map((provider) => [provider.name, sourceOf(provider)]))
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  gateway = await startGateway({
    settings: {
      listen: { host: '127.0.0.1', port: 0 },
      store: {
        kind: 'sqlite',
        address: join(folder, 'events.db'),
        setting: 'POSTERN_STORE',
        shownAs: 'sqlite',
      },
      mayLoseAcknowledgedEvents: false,
      admin: undefined,
      role: 'all',
    },
    config: { sources },
    context: contextOf(() => {}),
    reporter: {
      log: silent,
      observe: (occurrence) => void (occurrence.kind === 'accepted' && accepted.push(occurrence.source)),
      flush: () => Promise.resolve(),
    },
  })
})

afterAll(async () => {
  await gateway.stop()
  await rm(folder, { recursive: true })
})

test.each(triggered.map((provider) => [provider.name, provider] as const))('%s', async (name, provider) => {
  const sample = samples.get(name)?.[0]
  const scheme = provider.schemes.find((each) => each.name === sample?.scheme) ?? provider.schemes[0]!
  const key = privateKeyOf(scheme)
  const keyFile = join(folder, `${name}.pem`)
  if (key !== undefined) await writeFile(keyFile, key)
  const url = `http://127.0.0.1:${gateway.port}/webhooks/${name}`
  const args = ['trigger', name, sample?.type ?? '', '--url', url, '--secret', secretFor(scheme)]
  const code = await cli(key === undefined ? args : [...args, '--private-key', keyFile])
  expect(out).toMatch(/^200 OK {2}\{"received":true\}/)
  expect(code).toBe(0)
  expect(accepted.at(-1)).toBe(name)
})

test('every provider was tried but those whose requests only an issuer of tokens can make', () => {
  const left = providers.filter((provider) => !triggered.includes(provider)).map(({ name }) => name)
  expect(left).toEqual(['eventgrid-entra', 'google-pubsub'])
  expect(accepted.length).toBe(triggered.length)
})

function sourceOf(provider: Provider): Source {
  const names = new Map(provider.schemes.map((scheme) => [scheme.verifiedBy ?? 'secret', secretFor(scheme)]))
  // One that sends two credentials is triggered with one.
  return defineAnySource(provider, { secret: names.get('secret') }, otherKeys())
}

function secretFor(scheme: Scheme): string {
  if (scheme.algorithm === 'static-secret') return `${secretOf(scheme, 1)}-of-${scheme.name}`
  return isSignature(scheme) ? secretOf(scheme, 1) : (otherSecretOf(scheme, 1) ?? '')
}

function privateKeyOf({ algorithm }: Scheme): string | undefined {
  if (algorithm === 'ed25519' || algorithm === 'ecdsa-p256-sha256') return keyPair(algorithm, 1).privateKey
  return algorithm === 'rsa-certificate' ? ownCertificate().own.privateKey : undefined
}

function cli(args: readonly string[]): Promise<number> {
  out = ''
  return run(
    args,
    contextOf((text) => void (out += text)),
  )
}

function contextOf(write: (text: string) => void): CliContext {
  return cliContext({ cwd: folder, stdout: { write }, stderr: { write } })
}
