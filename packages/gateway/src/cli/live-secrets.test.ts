import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { changeSecrets } from './development-secrets.ts'
import { holdOf, LiveSecrets, olderSecretOf, takenVersion, versionOf } from './live-secrets.ts'
import { isTaken } from './secret-keeper.ts'

const [NEW, OLD] = ['a new secret of 16 bytes or more', 'an old secret of 16 bytes or more']

let folder: string
let given: (readonly [string, readonly string[]])[] = []
let warned: string[] = []
let nowMs = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-live-'))
  given = []
  warned = []
  nowMs = Date.UTC(2026, 0, 1)
  onTestFinished(() => rm(folder, { recursive: true }))
})

test('a gateway takes what is there when it starts, and what comes later', async () => {
  await changeSecrets(folder, { vastai: OLD })
  await follow()
  expect(given).toEqual([['vastai', [OLD]]])
  await changeSecrets(folder, { vastai: NEW, [olderSecretOf('vastai')]: OLD })
  expect(await isTaken(folder, 'vastai')).toBe(true)
  expect(given.at(-1)).toEqual(['vastai', [NEW, OLD]])
})

test('a source is held while its secret is being changed, and no longer than it was said to be', async () => {
  await changeSecrets(folder, { vastai: OLD })
  await follow()
  await changeSecrets(folder, { [holdOf('vastai')]: new Date(nowMs + 1000).toISOString() })
  await isTaken(folder, 'vastai')
  expect(given.at(-1)).toEqual(['vastai', []])
  // Whoever held it was killed.
  nowMs += 1001
  await until(() => given.at(-1)?.[1].length === 1)
  expect(given.at(-1)).toEqual(['vastai', [OLD]])
})

test('a source that has its secret from elsewhere is not taken for one that follows', async () => {
  await changeSecrets(folder, { vastai: OLD, anima: OLD })
  await follow()
  expect(await isTaken(folder, 'vastai')).toBe(true)
  expect(await isTaken(folder, 'anima')).toBe(false)
  expect(given.map(([source]) => source)).toEqual(['vastai'])
})

test('a source that is taken out of the file keeps what it has', async () => {
  await changeSecrets(folder, { vastai: OLD, anima: OLD })
  await follow()
  await changeSecrets(folder, { vastai: undefined })
  await isTaken(folder, 'vastai')
  expect(given).toEqual([['vastai', [OLD]]])
})

test('a file that cannot be used changes nothing, and is told of once', async () => {
  await changeSecrets(folder, { vastai: OLD })
  const live = await follow()
  // Put there whole, as an editor does.
  await writeFile(join(folder, 'edited'), 'no JSON')
  await rename(join(folder, 'edited'), join(folder, 'secrets.json'))
  await until(() => warned.length > 0)
  await live.stop()
  expect(given).toEqual([['vastai', [OLD]]])
  expect(warned).toHaveLength(1)
})

test('one that stopped is not waited for', async () => {
  await changeSecrets(folder, { vastai: OLD })
  const live = await follow()
  expect(await takenVersion(folder, 'vastai')).toBe(await versionOf(folder))
  await live.stop()
  expect(await takenVersion(folder, 'vastai')).toBeUndefined()
  expect(await isTaken(folder, 'vastai')).toBe(false)
})

async function follow(): Promise<LiveSecrets> {
  const live = new LiveSecrets({
    folder,
    sources: ['vastai'],
    setSecret: (source, secrets) => void given.push([source, secrets]),
    log: { debug() {}, info() {}, warn: (message) => void warned.push(message), error() {} },
    now: () => nowMs,
  })
  await live.start()
  onTestFinished(() => live.stop())
  return live
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((go) => setImmediate(go))
}
