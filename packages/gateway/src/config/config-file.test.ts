import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findConfig, loadConfig } from './config-file.ts'

const providers = JSON.stringify(import.meta.resolve('postern/providers'))
const source = `import { vastai } from ${providers}\nconst sources = { vastai: vastai({ secret: 'a-secret-of-16-bytes' }) }\n`

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-config-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function load(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  const loaded = await loadConfig(path)
  return loaded.ok
    ? Object.keys(loaded.value.sources).join()
    : loaded.problems.map((problem) => `${problem.path}: ${problem.message}`).join()
}

describe('every kind of file and export is read', () => {
  const exports = ['export const config = { sources }', 'export default { sources }', 'export { sources }']
  const cases = ['js', 'mjs', 'ts', 'mts'].flatMap((ending) => exports.map((text) => [ending, text] as const))

  test.each(cases)('%s: %s', async (ending, text) => {
    const module = ending === 'js' ? 'mjs' : ending
    expect(await load(`postern.config.${module}`, source + text)).toBe('vastai')
  })

  test('types are taken out of TypeScript', async () => {
    const text = `${source}interface Options { readonly sources: object }\nexport const config: Options = { sources } satisfies Options`
    expect(await load('postern.config.ts', text)).toBe('vastai')
  })
})

describe('a file that cannot be used is named', () => {
  test.each([
    ['postern.config.mjs', 'export const other = 1', 'write: export default defineConfig('],
    ['postern.config.mjs', 'throw new Error("no database")', 'no database'],
    ['postern.config.mjs', 'export const config = {', 'postern.config.mjs'],
    ['postern.config.ts', 'export const config = {', 'postern.config.ts'],
    ['postern.config.mjs', 'import "no-such-package"', 'no-such-package'],
  ])('%s with %s', async (name, text, expected) => {
    const answer = await load(name, text)
    expect(answer).toContain(`${name}: `)
    expect(answer).toContain(expected)
  })

  test('one that is not there', async () => {
    expect(await loadConfig(join(folder, 'mine.ts'))).toMatchObject({ problems: [{ path: 'mine.ts' }] })
  })
})

test('TypeScript is looked for before JavaScript, and a name that was given before both', async () => {
  expect(findConfig(folder)).toBeUndefined()
  await writeFile(join(folder, 'postern.config.js'), '')
  await writeFile(join(folder, 'postern.config.ts'), '')
  expect(findConfig(folder)).toBe(join(folder, 'postern.config.ts'))
  expect(findConfig(folder, 'other.mjs')).toBe(join(folder, 'other.mjs'))
})
