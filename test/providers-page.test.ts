import { readFileSync } from 'node:fs'
import { providers } from 'postern/providers'
import { describe, expect, test } from 'vitest'

// The script is plain JavaScript, which has no types.
const { providersPage } = (await import(new URL('../scripts/providers-page.mjs', import.meta.url).href)) as {
  readonly providersPage: () => string
}
const written = readFileSync('docs/providers.md', 'utf8')

describe('docs/providers.md', () => {
  test('is what npm run providers-page makes', () => {
    expect(written).toBe(providersPage())
  })

  test.each(providers.map(({ name, title }) => [name, title]))(
    'has a row and a section of %s',
    (name, title) => {
      expect(written).toContain(`\`${name}\` |`)
      expect(written).toContain(`\n### ${title}\n`)
    },
  )
})
