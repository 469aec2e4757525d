import { execFileSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Pool } from 'pg'
import { describe, expect, inject, test } from 'vitest'
import { createDatabase } from '../../../../../test/support/servers/database.ts'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { programFolder } from '../../../../../test/support/servers/programs.ts'
import { postgres } from './index.ts'

/** Of the server that the file was dumped from: others write the same schema in other words. */
const MAJOR_VERSION = '15'

describe.skipIf(leftOut().includes('postgres'))('the schema', () => {
  test('is what the migrations make; `npx vitest run -u` writes it anew', async ({ skip }) => {
    const database = await createDatabase(inject('postgresUrl') ?? '')
    const pool = new Pool({ connectionString: database.url })
    try {
      const store = postgres(pool)
      const { engine, schemaVersion } = await store.inspect()
      expect(schemaVersion).toBeUndefined()
      await store.stat()
      expect((await store.inspect()).schemaVersion).toBe(1)
      await store.close()
      if (!engine.startsWith(`PostgreSQL ${MAJOR_VERSION}.`))
        skip(`dumped from ${MAJOR_VERSION}, this is ${engine}`)
      await expect(dump(database.url)).toMatchFileSnapshot('schema.sql')
    } finally {
      await pool.end()
      await database.drop()
    }
  })

  test('is applied once, by one of many that open at once', async () => {
    const database = await createDatabase(inject('postgresUrl') ?? '')
    const pool = new Pool({ connectionString: database.url, max: 8 })
    try {
      const stores = Array.from({ length: 8 }, () => postgres(pool, { schema: 'Some_1' }))
      await Promise.all(stores.map((store) => store.stat()))
      const { rows } = await pool.query('SELECT number FROM "Some_1".migration')
      expect(rows).toEqual([{ number: 1 }])
      await Promise.all(stores.map((store) => store.close()))
    } finally {
      await pool.end()
      await database.drop()
    }
  })
})

test('a name that is none is refused', () => {
  const refusal = expect.objectContaining({ code: 'bad_config' })
  for (const schema of ['', 'a"b', "a'b", '1a', 'a b', 'a'.repeat(60)]) {
    expect(() => postgres(new Pool(), { schema })).toThrow(refusal)
  }
})

/** What the server holds, without what depends on who dumped it. */
function dump(url: string): string {
  // Beside the server's own programs, which may be links on the PATH; an npm package that brings the server has none.
  const folder = programFolder('postgres')
  const folders = [folder, dirname(realpathSync(join(folder, 'postgres')))]
  const program = folders.map((each) => join(each, 'pg_dump')).find((path) => existsSync(path)) ?? 'pg_dump'
  const args = [
    '--schema-only',
    '--no-owner',
    '--no-privileges',
    '--no-comments',
    '--schema=postern',
    `--dbname=${url}`,
  ]
  const text = execFileSync(program, args, { encoding: 'utf8' })
  const lines = text.split('\n').filter((line) => !/^(--|SET |SELECT pg_catalog|\\)/.test(line))
  return `${lines
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()}\n`
}
