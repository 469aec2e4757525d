/** Which SQLite the embedded store runs on, on whatever Node this is, and that nobody has to read of it. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { DatabaseSync as PackageDatabase } from '@photostructure/sqlite'
import { sqlite } from 'postern/sqlite'
import { expect, test } from 'vitest'
import { tempFolder } from './support/inbox.ts'

const OLDEST_SAFE = '3.51.3'

/** What Node says of its own; undefined where it has none. */
const builtIn = isBuiltin('node:sqlite') ? process.versions['sqlite'] : undefined
const isBuiltInSafe = builtIn !== undefined && isAtLeast(builtIn, OLDEST_SAFE)

test('it is Node’s own where that is safe, else the package’s', async () => {
  const store = sqlite(join(tempFolder(), 'postern.db'))
  const { engine } = await store.inspect()
  await store.close()
  expect(engine).toBe(`SQLite ${isBuiltInSafe ? builtIn : packageVersion()}`)
})

test('a process that opens a file and reads it prints no warning', () => {
  const script = `
    import { sqlite } from ${JSON.stringify(pathToStore('packages/postern'))}
    const store = sqlite('postern.db')
    await store.list({ of: 'events', limit: 1 })
    await store.close()
    console.log('closed')`
  expect(runIn(tempFolder(), script)).toMatchObject({ stdout: 'closed\n', stderr: '' })
})

test('without a safe one the refusal names both ways out', () => {
  const folder = tempFolder()
  const script = `
    import { sqlite } from ${JSON.stringify(pathToStore(copyOfPackage(folder)))}
    try { sqlite('postern.db') } catch ({ code, message }) { console.log(code, message) }`
  const { stdout, stderr } = runIn(folder, script, builtIn === undefined ? [] : ['--no-experimental-sqlite'])
  expect(stdout).toMatch(
    /^unsafe_store SQLite 3\.51\.3 or newer .* a Node whose node:sqlite has it .* npm install @photostructure\/sqlite@1$/m,
  )
  expect(stderr).toBe('')
})

test('a driver that is named is refused where its SQLite is older, by both versions', () => {
  const driver = join(tempFolder(), 'older.cjs')
  writeFileSync(
    driver,
    `exports.DatabaseSync = class { prepare() { return { get: () => ({ version: '3.51.2' }) } } close() {} }`,
  )
  expect(() => sqlite(join(tempFolder(), 'postern.db'), { driver })).toThrow(
    /SQLite 3\.51\.2; 3\.51\.3 or newer/,
  )
})

test('Node’s own, where it is named and there is none, is refused', () => {
  const script = `
    import { sqlite } from ${JSON.stringify(pathToStore('packages/postern'))}
    try { sqlite('postern.db', { driver: 'node:sqlite' }) } catch ({ message }) { console.log(message) }`
  const { stdout } = runIn(tempFolder(), script, builtIn === undefined ? [] : ['--no-experimental-sqlite'])
  expect(stdout).toContain('node:sqlite has SQLite (none)')
})

function packageVersion(): string {
  const database = new PackageDatabase(':memory:')
  // One row with this one column, by the statement's text.
  const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string }
  database.close()
  return version
}

function isAtLeast(version: string, least: string): boolean {
  return version.localeCompare(least, 'en', { numeric: true }) >= 0
}

/** The library as it is published, with no `node_modules` above it. */
function copyOfPackage(folder: string): string {
  const copy = join(folder, 'postern')
  mkdirSync(copy)
  for (const part of ['dist', 'package.json']) {
    cpSync(join('packages/postern', part), join(copy, part), { recursive: true })
  }
  return copy
}

function pathToStore(folder: string): string {
  return resolve(folder, 'dist/stores/sqlite/index.js')
}

function runIn(cwd: string, script: string, flags: readonly string[] = []): SpawnSyncReturns<string> {
  const { NODE_OPTIONS: _, ...env } = process.env
  return spawnSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
    cwd,
    env,
    encoding: 'utf8',
  })
}
