// The disk that a proof ran on: without it its figures say little.
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const SAMPLES = 100

/** Half of the fsyncs of one page in this folder are faster. */
export function fsyncP50Ms(folder) {
  const path = join(folder, `fsync-${process.pid}`)
  const file = openSync(path, 'w')
  const times = Array.from({ length: SAMPLES }, () => {
    writeSync(file, Buffer.alloc(4096))
    const startedMs = performance.now()
    fsyncSync(file)
    return performance.now() - startedMs
  })
  closeSync(file)
  rmSync(path)
  return Number(times.toSorted((a, b) => a - b)[SAMPLES / 2].toFixed(2))
}
