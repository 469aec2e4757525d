import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { sqlite } from './index.ts'

function makeRoom(): string {
  const room = mkdtempSync(join(tmpdir(), 'postern-path-'))
  onTestFinished(() => rmSync(room, { recursive: true, force: true }))
  return room
}

test('a file: URL is the file that it names', async () => {
  const path = join(makeRoom(), 'größer als 100% #1.db')
  const first = sqlite(pathToFileURL(path))
  await first.state.set('a', 'b')
  await first.close()
  expect(existsSync(path)).toBe(true)
  const second = sqlite(path)
  expect(await second.state.get('a')).toBe('b')
  await second.close()
})

test.each<readonly [string, unknown]>([
  ['got undefined', undefined],
  ['got null', null],
  ['got number', 5],
  ['got object', {}],
  ['got object', Buffer.from('postern.db')],
  ['got an empty text', ''],
  ['got one with a NUL in it', 'postern\0.db'],
  ["got ':memory:'; a store in memory is memory(), of postern/memory", ':memory:'],
  ['got a URL as a text; give new URL(…), or its path', 'file:postern.db'],
  ['got a URL as a text; give new URL(…), or its path', 'FILE::memory:?cache=shared'],
  ['got another URL', new URL('postgres://me:hunter2@db/events')],
  ['got a file: URL of no file on this machine', new URL('file:///postern%2fdb')],
])('what is no path of a file is refused, and nothing is made: %s', (problem, path) => {
  const room = makeRoom()
  const before = process.cwd()
  process.chdir(room)
  onTestFinished(() => process.chdir(before))
  expect(() => sqlite(path as string)).toThrow(
    expect.objectContaining({
      code: 'bad_config',
      message: `sqlite must be given the path of a file, or its file: URL: ${problem}`,
    }),
  )
  expect(readdirSync(room)).toEqual([])
})

test.each([null, 5, 'inline', ['inline']])('options that are none are refused: %j', (options) => {
  const path = join(makeRoom(), 'postern.db')
  expect(() => sqlite(path, options as unknown as object)).toThrow(
    expect.objectContaining({ code: 'bad_config', message: 'sqlite: options must be an object' }),
  )
  expect(existsSync(path)).toBe(false)
})
