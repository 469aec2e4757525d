import { expect, test } from 'vitest'
import { patchedProduct } from './patched-product.ts'
import { plantedBugs } from './planted-bugs.ts'
import { simulate } from './simulate.ts'

/** Of the suite's 10,000 seeds; each bug is found among the first of them. */
const MOST_SEEDS = 1000

test.for(plantedBugs.map((bug) => [bug.name, bug] as const))(
  'an inbox that %s is found',
  { timeout: 120_000 },
  async ([, { edits = [], store, found }], { annotate }) => {
    const product = await patchedProduct(edits)
    for (let seed = 1; seed <= MOST_SEEDS; seed += 1) {
      const { violations } = await simulate(seed, product, store)
      if (violations.length === 0) continue
      // Shown by --reporter=verbose.
      await annotate(`by seed ${seed}`)
      expect(violations.join('\n')).toMatch(found)
      return
    }
    expect.fail(`not found in ${MOST_SEEDS} seeds`)
  },
)

test('the product that they are made from is sound', async () => {
  const product = await patchedProduct([])
  for (let seed = 1; seed <= 20; seed += 1) expect((await simulate(seed, product)).violations).toEqual([])
})

test('an edit that no longer fits is refused', async () => {
  const edit = { file: 'worker/worker.ts', find: 'what is not there', replace: '' }
  await expect(patchedProduct([edit])).rejects.toThrow(/0 times/)
})
