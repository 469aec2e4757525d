import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
// A flag set at run time shows in new contexts only.
const collect = runInNewContext('gc') as () => void

/** The memory that something still holds, on the heap and outside of it: what could be collected does not count. */
export function heldBytes(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
