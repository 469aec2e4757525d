import { describe, expect, test } from 'vitest'
import * as product from './product.ts'
import { simulate, type Count } from './simulate.ts'

/** `SEED=118` runs one seed and prints all that happened; `SEEDS=1000000` runs more of them. */
const { SEED, SEEDS = '10000' } = process.env
const BLOCK = 100

const totals = new Map<string, number>()

describe.skipIf(SEED !== undefined)(`the inbox keeps its promises in ${SEEDS} simulations`, () => {
  const blocks = Array.from({ length: Math.ceil(Number(SEEDS) / BLOCK) }, (_, block) => block * BLOCK + 1)

  test.each(blocks)('seeds from %d', { timeout: 120_000 }, async (first) => {
    for (let seed = first; seed < first + BLOCK; seed += 1) {
      const { violations, counts } = await simulate(seed, product)
      if (violations.length > 0) expect.fail(`${violations.join('\n')}\nrun again with SEED=${seed}`)
      for (const [name, count] of Object.entries(counts)) totals.set(name, (totals.get(name) ?? 0) + count)
    }
  })

  test.each(blocks)('seed %d twice is the same twice', async (seed) => {
    const digests = [(await simulate(seed, product)).digest, (await simulate(seed, product)).digest]
    expect(digests[0], `run again with SEED=${seed}`).toBe(digests[1])
  })

  // A simulation in which nothing goes wrong would find nothing.
  test.each<Count>([
    'answers200',
    'answers503',
    'unacknowledgedStored',
    'duplicates',
    'conflicts',
    'runs',
    'lost',
    'dead',
    'crashes',
    'storeCrashes',
    'stops',
    'halts',
    'moves',
  ])('they reach %s', (name) => {
    expect(totals.get(name)).toBeGreaterThan(10)
  })

  test('other seeds are other runs', async () => {
    expect((await simulate(1, product)).digest).not.toBe((await simulate(2, product)).digest)
  })
})

test.runIf(SEED !== undefined)(`seed ${SEED}`, { timeout: 120_000 }, async () => {
  const { events, violations } = await simulate(Number(SEED), product)
  console.info(events.join('\n'))
  expect(violations).toEqual([])
})
