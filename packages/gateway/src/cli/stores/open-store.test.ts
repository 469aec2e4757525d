import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const SOURCE = resolve(import.meta.dirname, '../..')

test('no store and no client of one is loaded before it is opened', () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!\.test)\.ts$/.test(name),
  )
  const found = files.flatMap((name) => {
    const code = readFileSync(resolve(SOURCE, name), 'utf8')
    return [
      ...code.matchAll(/^import (?!type ).* from '(pg|ioredis|postern\/(?:sqlite|postgres|redis))'/gm),
    ].map(([, module]) => `${name}: ${module}`)
  })
  expect(found).toEqual([])
})
