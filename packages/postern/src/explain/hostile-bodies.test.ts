import { describe, expect, test } from 'vitest'
import { github, providers, standardWebhooks } from '../providers/index.ts'
import { explain, type Explanation } from './index.ts'

const MB = 1_000_000
const NOW_MS = 1_700_000_000_000

/** Bodies of a megabyte, each of them the worst for something that explain does. */
const HOSTILE: Readonly<Record<string, string>> = {
  brackets: '['.repeat(MB / 2) + ']'.repeat(MB / 2),
  'brackets that are left open': '['.repeat(MB),
  'short numbers': `[${'1,'.repeat(MB / 2 - 2)}1]`,
  'empty strings': `[${'"",'.repeat(MB / 3 - 2)}1]`,
  'empty objects': `[${'{},'.repeat(MB / 3 - 2)}1]`,
  'nested objects': `${'{"a":'.repeat(MB / 6)}1${'}'.repeat(MB / 6)}`,
  'escapes in strings of their own': `[${'"\\u00e9",'.repeat(MB / 9 - 2)}1]`,
  'escapes in one string': `["${'\\u00e9'.repeat(MB / 6 - 2)}"]`,
  'letters that some escape': `["${'é'.repeat(MB / 2 - 4)}"]`,
  'many members': `{${Array.from({ length: MB / 12 }, (_, index) => `"k${index}":1`).join(',')}}`,
  'few members, in 120 orders': `{${[1, 2, 3, 4, 5].map((key) => `"${key}":[${'1,'.repeat(MB / 10 - 10)}1]`).join(',')}}`,
  'line breaks': '\n'.repeat(MB),
  'white space before what is no base64': `${' '.repeat(MB - 1)}!`,
  'marks on one letter': `a${'\u0327\u0301'.repeat(MB / 4)}`,
  'marks in one string': `{"a":"a${'\u0327\u0301'.repeat(MB / 4 - 5)}"}`,
}

const SOURCES = {
  github: {
    source: github({ secret: 'a-secret-of-16-bytes' }),
    headers: { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}`, 'x-github-event': 'push' },
  },
  'standard webhooks': {
    source: standardWebhooks({ secret: `whsec_${Buffer.alloc(32, 1).toString('base64')}` }),
    headers: {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(NOW_MS / 1000),
      'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
    },
  },
} as const

function explained(name: keyof typeof SOURCES, body: string): Explanation {
  const { source, headers } = SOURCES[name]
  return explain({ headers, body: Buffer.from(body) }, source, [], { now: () => NOW_MS, providers })
}

/** In ms, which other processes' work is not counted in. The least of three, since the first also compiles. */
function cpuMs(work: () => void): number {
  const rounds = [1, 2, 3].map(() => {
    const before = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  })
  return Math.min(...rounds)
}

describe('a hostile megabyte', () => {
  // 40 to 190 ms on the machine that wrote this; without bounds 2 s and more, and minutes for some.
  test.each(Object.keys(HOSTILE))('of %s costs less than half a second', (name) => {
    const body = HOSTILE[name] ?? ''
    for (const source of ['github', 'standard webhooks'] as const)
      expect(cpuMs(() => explained(source, body))).toBeLessThan(500)
  })
})

describe('what is not tried is said', () => {
  const SHORT = '{"a":1,"b":[2,3]}'

  test('and nothing is said where everything was', () => {
    expect(explained('github', SHORT)).toMatchObject({ complete: true, untried: [] })
  })

  test.each([
    ['brackets', 'writing the body as JSON again, which has more than 250000 tokens'],
    ['short numbers', 'compressing the body, which has more than 262144 bytes'],
    ['letters that some escape', 'writing the body as JSON in every way'],
    ['marks on one letter', 'the Unicode forms of the body, which has more than 30 combining marks in a row'],
  ])('of %s', (name, untried) => {
    const explanation = explained('github', HOSTILE[name] ?? '')
    expect(explanation.complete).toBe(false)
    expect(explanation.untried).toContain(untried)
  })

  test('of orders and numbers, where there are too many tokens for all', () => {
    const body = `{${[1, 2, 3, 4, 5].map((key) => `"${key}":[${'1,'.repeat(1500)}1]`).join(',')}}`
    expect(explained('github', body).untried).toEqual([
      'writing the members of the body in every order',
      'writing numbers of the body with .0 at their end',
    ])
  })

  test('of checks, where there were too many', () => {
    const { source, headers } = SOURCES.github
    const request = { headers, body: Buffer.from(SHORT) }
    expect(explain(request, source, [], { now: () => NOW_MS, maxTrials: 10 }).untried).toEqual([
      'what would take more than 10 checks, or more than 48 MiB of hashing',
    ])
  })
})
