import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { providers } from 'postern/providers'
import { describe, expect, test } from 'vitest'

// The script is plain JavaScript, which has no types.
const { providersPage, LIBRARIES } = (await import(
  new URL('../scripts/providers-page.mjs', import.meta.url).href
)) as {
  readonly providersPage: () => string
  readonly LIBRARIES: readonly (readonly [library: string, what: string])[]
}
const written = readFileSync('docs/providers.md', 'utf8')
const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly devDependencies: Readonly<Record<string, string>>
}
const tests = readdirSync('test', { encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join('test', name), 'utf8'))

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

describe('a library that the page names', () => {
  test.each(LIBRARIES)('is run by a test: %s', (library) => {
    expect(devDependencies[library]).toMatch(/^\d+\.\d+\.\d+$/)
    expect(
      tests.some((text) => text.includes(`from '${library}'`) || text.includes(`from '${library}/`)),
    ).toBe(true)
  })

  const named = providers.flatMap(({ name, evidence }) =>
    [...(evidence?.reason ?? '').matchAll(/(\S+) (\d+\.\d+\.\d+)/g)].map(([, library, version]) => ({
      name,
      library: library!,
      version: version!,
    })),
  )

  test.each(named)('as evidence of $name is the one that is run: $library $version', (each) => {
    const what = LIBRARIES.find(([library]) => library === each.library)?.[1]
    expect(what?.split(/, (?=in both)| and |, /)).toContain(each.name)
    expect(devDependencies[each.library]).toBe(each.version)
  })
})
