import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { developmentSecrets } from './development-secrets.ts'
import { openStateFolder } from './state-folder.ts'

let cwd: string
let warnings: string[]

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'postern-secrets-'))
  warnings = []
})
afterEach(() => rm(cwd, { recursive: true }))

const file = (): string => join(cwd, '.postern', 'secrets.json')
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

const warn = (message: string): void => void warnings.push(message)

async function open(...sources: readonly string[]): Promise<Record<string, string>> {
  const folder = await openStateFolder(cwd, warn)
  return Object.fromEntries(await developmentSecrets(sources, { folder, randomBytes, warn }))
}

test('are made once, for their owner only, out of git’s sight', async () => {
  const made = await open('vastai', 'castai')
  expect(made['vastai']).toMatch(/^[0-9a-f]{64}$/)
  expect(made['castai']).not.toBe(made['vastai'])
  expect(await open('vastai', 'castai')).toEqual(made)
  expect(await modeOf(file())).toBe(0o600)
  expect(await modeOf(join(cwd, '.postern'))).toBe(0o700)
  expect(await readFile(join(cwd, '.postern', '.gitignore'), 'utf8')).toBe('*\n')
  expect((await readdir(join(cwd, '.postern'))).toSorted()).toEqual(['.gitignore', 'secrets.json'])
  expect(warnings).toEqual([])
})

test('a new source gets its own; those before keep theirs', async () => {
  const before = await open('vastai')
  const after = await open('vastai', 'anima')
  expect(after['vastai']).toBe(before['vastai'])
  expect(Object.keys(after)).toEqual(['vastai', 'anima'])
})

test('of many starts at once all get the same', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => open('vastai', 'castai')))
  expect(new Set(all.map((each) => JSON.stringify(each))).size).toBe(1)
  expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(all[0])
})

test('starts at once with different sources lose none', async () => {
  const names = Array.from({ length: 10 }, (_, index) => `source${index}`)
  const made = await Promise.all(names.map((name) => open(name)))
  const kept = JSON.parse(await readFile(file(), 'utf8')) as Record<string, string>
  expect(made.map((each, index) => each[names[index]!])).toEqual(names.map((name) => kept[name]))
})

test('a lock that a killed start has left is taken over', async () => {
  await mkdir(join(cwd, '.postern'), { mode: 0o700 })
  const lock = `${file()}.lock`
  await writeFile(lock, '')
  const longAgo = new Date(Date.now() - 60_000)
  await utimes(lock, longAgo, longAgo)
  expect(await open('vastai')).toHaveProperty('vastai')
})

describe('what others could read is narrowed, with a warning', () => {
  test('the file', async () => {
    await open('vastai')
    await chmod(file(), 0o644)
    await open('vastai')
    expect(await modeOf(file())).toBe(0o600)
    expect(warnings).toEqual([expect.stringMatching(/secrets\.json .*0644.*0600/)])
  })

  test('the folder', async () => {
    await mkdir(join(cwd, '.postern'))
    await chmod(join(cwd, '.postern'), 0o755)
    await open('vastai')
    expect(await modeOf(join(cwd, '.postern'))).toBe(0o700)
    expect(warnings).toHaveLength(1)
  })

  test('a narrower mode is left as it is', async () => {
    await open('vastai')
    await chmod(file(), 0o400)
    await open('vastai')
    expect(await modeOf(file())).toBe(0o400)
    expect(warnings).toEqual([])
  })
})

describe('a file that is none of ours is named, and not quoted', () => {
  test.each(['{"vastai":"hunter2', '["hunter2"]', '{"vastai":7}', '{"vastai":""}', 'null', ''])(
    '%j',
    async (text) => {
      await mkdir(join(cwd, '.postern'), { mode: 0o700 })
      await writeFile(file(), text, { mode: 0o600 })
      const error = await open('vastai').catch((thrown: unknown) => thrown)
      expect(String(error)).toContain('.postern/secrets.json')
      expect(String(error)).not.toContain('hunter2')
    },
  )
})

test('where none are needed, no file is made', async () => {
  expect(await open()).toEqual({})
  expect(await readdir(join(cwd, '.postern'))).toEqual(['.gitignore'])
})
