import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { sqlite } from './index.ts'

/** Windows has none. */
const hasModes = process.platform !== 'win32'

function makeRoom(): string {
  const room = mkdtempSync(join(tmpdir(), 'postern-modes-'))
  onTestFinished(() => rmSync(room, { recursive: true, force: true }))
  return room
}

const modeOf = (path: string): number => statSync(path).mode & 0o777

/** The modes while the store is open, when the files beside it are there. */
async function modesOf(path: string): Promise<readonly number[]> {
  const store = sqlite(path)
  try {
    await store.state.set('a', 'b')
    return ['', '-wal', '-shm'].map((suffix) => modeOf(path + suffix))
  } finally {
    await store.close()
  }
}

test.runIf(hasModes)('what the store makes is for its owner alone, folders above it too', async () => {
  const room = makeRoom()
  expect(await modesOf(join(room, 'data/events/postern.db'))).toEqual([0o600, 0o600, 0o600])
  expect([join(room, 'data'), join(room, 'data/events')].map(modeOf)).toEqual([0o700, 0o700])
})

test.runIf(hasModes)('what is there keeps its mode', async () => {
  const folder = join(makeRoom(), 'data')
  const path = join(folder, 'postern.db')
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  writeFileSync(path, '')
  chmodSync(path, 0o644)
  expect(await modesOf(path)).toEqual([0o644, 0o644, 0o644])
  expect(modeOf(folder)).toBe(0o755)
})
