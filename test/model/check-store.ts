import * as fc from 'fast-check'
import { steps } from './steps.ts'
import { StoreModel } from './model.ts'
import { compareInFull } from './step.ts'
import { START_MS, type World } from './world.ts'

export interface Bounds {
  readonly runs: number
  readonly seed: number
  /** Of a failure, as it was printed: repeats that one. */
  readonly path?: string
  readonly replayPath?: string
  /** Of one run. Default 60. */
  readonly maxSteps?: number
  /** Whether to look for a shorter list once one has failed. Default `true`. */
  readonly shrinks?: boolean
}

/**
 * Does many things to many stores, and rejects with the shortest list of steps found after which one did what the model
 * does not allow, its seed and its path.
 */
export async function checkStore(
  open: () => World | Promise<World>,
  { runs, seed, path, replayPath, maxSteps = 60, shrinks = true }: Bounds,
): Promise<{ readonly steps: number }> {
  let count = 0
  const property = fc.asyncProperty(steps(maxSteps, replayPath), async (commands) => {
    const world = await open()
    const model = new StoreModel(START_MS)
    try {
      await fc.asyncModelRun(() => ({ model, real: world }), commands)
      await compareInFull(model, world)
      count += model.story.length
    } catch (error) {
      throw new Error(`after\n  ${model.story.join('\n  ')}\n${messageOf(error)}`, { cause: error })
    } finally {
      await world.dispose()
    }
  })
  await fc.assert(property, {
    numRuns: runs,
    seed,
    endOnFailure: !shrinks,
    ...(path !== undefined && { path }),
  })
  return { steps: count }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
