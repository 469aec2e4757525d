import { describe, expect, test } from 'vitest'
import { CLAUSES, storeContract, type ContractCase } from '../../packages/postern/src/testing/index.ts'
import { claimMutants, waitMutants } from './claim.ts'
import { dedupeMutants } from './dedupe.ts'
import { durableMutants, exactMutants } from './exact.ts'
import { rejectedMutants } from './rejected.ts'
import { extendMutants, lifecycleMutants } from './lifecycle.ts'
import { leaseMutants } from './lease.ts'
import { operateMutants } from './operate.ts'
import { keepMutants, orderMutants } from './order.ts'
import { putMutants } from './put.ts'
import { oldestFirstMutants } from './oldest-first.ts'
import { readMutants } from './read.ts'
import { settleMutants } from './settle.ts'
import { stateMutants } from './state.ts'
import { harnessOf, type Mutant } from './world.ts'

const mutants: readonly Mutant[] = [
  ...putMutants,
  ...dedupeMutants,
  ...claimMutants,
  ...waitMutants,
  ...leaseMutants,
  ...keepMutants,
  ...orderMutants,
  ...settleMutants,
  ...extendMutants,
  ...lifecycleMutants,
  ...readMutants,
  ...oldestFirstMutants,
  ...operateMutants,
  ...exactMutants,
  ...rejectedMutants,
  ...stateMutants,
  ...durableMutants,
]

/** Cases that no mutant fails, each with its reason. */
const SPARED: Readonly<Record<string, string>> = {}

/** The cases of a mutant's own clause that have failed, by any mutant. */
const failedOnce = new Set<string>()

describe('a store that breaks one clause fails the suite', () => {
  test('the store that they are made from passes it', async () => {
    expect(await failuresOf(() => ({}), storeContract, 5000)).toEqual([])
  })

  test.each(mutants)('one that $name fails $clause', async ({ clause, breaks }) => {
    const failed = await failuresOf(
      breaks,
      storeContract.filter((one) => one.clause === clause),
    )
    for (const name of failed) failedOnce.add(name)
    expect(failed).not.toEqual([])
  })

  test('there is one for every clause', () => {
    expect(new Set(mutants.map(({ clause }) => clause))).toEqual(new Set(CLAUSES))
  })

  test('every case is failed by one of its own clause', () => {
    const spared = storeContract.map(nameOf).filter((name) => !failedOnce.has(name))
    expect(spared.toSorted()).toEqual(Object.keys(SPARED).toSorted())
  })
})

/** The names of the cases that a store fails. A mutant that never wakes is given up on soon, since many do not. */
async function failuresOf(
  breaks: Mutant['breaks'],
  cases: readonly ContractCase[],
  patienceMs: number = 100,
): Promise<string[]> {
  const failed: string[] = []
  for (const one of cases) {
    const harness = harnessOf(breaks, patienceMs)
    await one.run(harness).catch(() => failed.push(nameOf(one)))
    await harness.dispose()
  }
  return failed
}

function nameOf({ clause, name }: ContractCase): string {
  return `${clause}: ${name}`
}
