import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { closeStore, openStore } from './open-store.ts'

let folder: string
let path: string

beforeEach(() => {
  const room = mkdtempSync(join(tmpdir(), 'postern-exposed-'))
  onTestFinished(() => rmSync(room, { recursive: true, force: true }))
  folder = join(room, 'data')
  path = join(folder, 'postern.db')
})

/** Puts an empty file there, which is a database without tables. */
function makeFile(modes: { readonly folder: number; readonly file: number }): void {
  mkdirSync(folder)
  writeFileSync(path, '')
  chmodSync(path, modes.file)
  chmodSync(folder, modes.folder)
}

/** What is warned of when the store is opened. */
async function warnings(): Promise<readonly string[]> {
  const warned: string[] = []
  const log = { debug() {}, info() {}, warn: (message: string) => void warned.push(message), error() {} }
  const location = { kind: 'sqlite', address: path, shownAs: path, setting: 'POSTERN_STORE' } as const
  await closeStore(await openStore(location, { mayLoseAcknowledgedEvents: false, log }))
  return warned
}

const hasModes = process.platform !== 'win32'

test('a file that the store has made is warned of by nobody', async () => {
  expect(await warnings()).toEqual([])
})

test.runIf(hasModes)('a file that everybody can read or change is warned of, with what to do', async () => {
  makeFile({ folder: 0o755, file: 0o644 })
  expect(await warnings()).toEqual([
    expect.stringMatching(/postern\.db, with all events in it, .*by everybody .*mode 0644.*chmod 600/),
  ])
  chmodSync(path, 0o602)
  expect(await warnings()).toEqual([expect.stringMatching(/mode 0602/)])
})

test.runIf(hasModes)('a folder that everybody can put files into is warned of', async () => {
  makeFile({ folder: 0o777, file: 0o600 })
  expect(await warnings()).toEqual([expect.stringMatching(/put files into .*data \(mode 0777\).*mode 0700/)])
})

test.runIf(hasModes)('one that nobody else can get at, or a group alone, is not', async () => {
  makeFile({ folder: 0o770, file: 0o644 })
  expect(await warnings()).toEqual([])
  chmodSync(folder, 0o775)
  chmodSync(path, 0o660)
  expect(await warnings()).toEqual([])
})
