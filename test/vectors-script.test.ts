import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-vectors-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const [github] = JSON.parse(readFileSync('vectors/github.json', 'utf8')) as readonly [
  { readonly body: string },
]
const [stripe] = JSON.parse(readFileSync('vectors/stripe.json', 'utf8')) as readonly [
  { readonly now: number },
]

function run(...files: readonly string[]): {
  readonly code: number | null
  readonly lines: readonly string[]
  readonly stderr: string
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/vectors.mjs', ...files], {
    encoding: 'utf8',
  })
  return { code: status, lines: stdout.trim().split('\n'), stderr }
}

function checked(vectors: unknown): { readonly code: number | null; readonly lines: readonly string[] } {
  const file = join(folder, 'own.json')
  writeFileSync(file, JSON.stringify(vectors))
  return run(file)
}

describe('npm run vectors', () => {
  test('says of each that it is valid, counts them, and ends with 0', () => {
    const { code, lines } = checked([github, stripe])
    expect(lines.map((line) => line.slice(0, 4))).toEqual(['ok  ', 'ok  ', '2 of'])
    expect(lines.at(-1)).toBe('2 of 2 as expected')
    expect(code).toBe(0)
  })

  test.each([
    ['another body', { ...github, body: `${github.body} ` }, 'signature_mismatch, but expected valid'],
    ['a time that has passed', { ...stripe, now: stripe.now + 3600 }, 'stale, but expected valid'],
    ['no time, where one is signed', { ...stripe, now: undefined }, 'stale, but expected valid'],
    [
      'a provider that is not known',
      { ...github, provider: 'nobody' },
      "no provider is called 'nobody', but expected valid",
    ],
    ['a secret that cannot be one', { ...github, secret: '' }, 'no_secret, but expected valid'],
    ['a valid one that should not be', { ...github, expected: 'invalid' }, 'valid, but expected invalid'],
    [
      'another reason than expected',
      { ...github, body: 'x', expected: 'stale' },
      'signature_mismatch, but expected stale',
    ],
  ])('fails for %s, and ends with 1', (_, vector, message) => {
    const { code, lines } = checked([stripe, vector])
    expect(lines[1]).toMatch(/^FAIL /)
    expect(lines[1]?.endsWith(message)).toBe(true)
    expect(lines.at(-1)).toBe('1 of 2 as expected')
    expect(code).toBe(1)
  })

  test('takes a refusal that was expected, by its reason or not', () => {
    const forged = { ...github, body: 'another' }
    expect(
      checked([
        { ...forged, expected: 'invalid' },
        { ...forged, expected: 'signature_mismatch' },
      ]),
    ).toMatchObject({ code: 0 })
  })

  test('of nothing is no success', () => {
    expect(checked([]).code).toBe(1)
    expect(run().code).toBe(2)
  })

  test.each([
    ['no object', null, '#0: is not an object'],
    ['a list', [], '#0: is not an object'],
    ['nothing in it', {}, '#0: has no text for provider, secret, body, expected'],
    ['a body that is none', { ...github, body: { id: 1 } }, '#0: has no text for body'],
    ['headers that are none', { ...github, headers: 'x-a: b' }, '#0: has no object for headers'],
  ])('fails for a vector that is none, and goes on: %s', (_, vector, message) => {
    const { code, lines } = checked([vector, github])
    expect(lines[0]).toBe(`FAIL ${join(folder, 'own.json')} ${message}`)
    expect(lines[1]).toMatch(/^ok {2}/)
    expect(lines.at(-1)).toBe('1 of 2 as expected')
    expect(code).toBe(1)
  })

  test.each([
    ['that is no JSON', '[{"secret":"hunter2" "body"', /: is not JSON( at position \d+)?$/],
    ['that is no list', '{"secret":"hunter2"}', /: is not an array of vectors$/],
    ['that is not there', undefined, /: cannot be read: .*ENOENT/],
  ])('fails for a file %s, without a stack, and goes on with the next', (_, text, message) => {
    const [file, good] = [join(folder, 'file.json'), join(folder, 'good.json')]
    rmSync(file, { force: true })
    if (text !== undefined) writeFileSync(file, text)
    writeFileSync(good, JSON.stringify([github]))
    const { code, lines, stderr } = run(file, good)
    expect(lines[0]).toMatch(message)
    expect(lines.at(-1)).toBe('1 of 2 as expected')
    expect(lines.join('\n')).not.toContain('hunter2')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  })

  test('shows no secret', () => {
    expect(checked([{ ...github, body: 'x' }]).lines.join('\n')).not.toContain("It's a Secret")
  })
})
