import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'

interface Threat {
  readonly id: string
  readonly inputs: readonly {
    readonly what: string
    readonly outcomes: Readonly<Record<string, string | undefined>>
  }[]
}

// The script is plain JavaScript, which has no types.
const { controls, mustReject, mustRejectPage } = (await import(
  new URL('../scripts/must-reject.mjs', import.meta.url).href
)) as {
  readonly mustReject: () => Promise<readonly Threat[]>
  readonly mustRejectPage: (threats: readonly Threat[]) => string
  readonly controls: () => Promise<
    readonly (Readonly<Record<string, string | undefined>> & { readonly sender: string })[]
  >
}

let threats: readonly Threat[]

beforeAll(async () => {
  threats = await mustReject()
})

describe('what must be refused', () => {
  test('covers T1 to T27, each with two inputs or more', () => {
    expect(threats.map(({ id }) => id)).toEqual(Array.from({ length: 27 }, (_, index) => `T${index + 1}`))
    expect(threats.filter(({ inputs }) => inputs.length < 2)).toEqual([])
  })

  test('is refused by Postern, without a throw', () => {
    const passed = threats.flatMap(({ id, inputs }) =>
      inputs
        .filter(({ outcomes }) => !/^(refused|nothing runs|not taken)/.test(outcomes.postern ?? ''))
        .map(({ what, outcomes }) => `${id}: ${what}: ${outcomes.postern}`),
    )
    expect(passed).toEqual([])
  })

  // Else the inputs are not what they say.
  test.each([
    ['standardwebhooks', 5],
    ['svix', 5],
    ['stripe', 4],
    ['@octokit/webhooks-methods', 4],
  ])('is accepted by %s, %i times at least', (name, times) => {
    const accepted = threats
      .flatMap(({ inputs }) => inputs)
      .filter(({ outcomes }) => outcomes[name] === 'ACCEPTED')
    expect(accepted.length).toBeGreaterThanOrEqual(times)
  })
})

test('unharmed, the same requests are accepted by everybody who speaks their form', async () => {
  const outcomes = await controls()
  expect(outcomes).toEqual([
    { sender: 'standard', postern: 'ACCEPTED', standardwebhooks: 'ACCEPTED', svix: 'ACCEPTED' },
    { sender: 'stripe', postern: 'ACCEPTED', stripe: 'ACCEPTED' },
    { sender: 'github', postern: 'ACCEPTED', '@octokit/webhooks-methods': 'ACCEPTED' },
  ])
})

test('docs/must-reject.md is what npm run must-reject makes', () => {
  expect(readFileSync('docs/must-reject.md', 'utf8')).toBe(mustRejectPage(threats))
})
