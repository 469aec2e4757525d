import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { tempFolder } from './inbox.ts'

/** A disk of its own, small enough to fill. */
export interface SmallDisk {
  readonly folder: string
  /** Takes all the space that is left. */
  fill(): void
  /** Gives it back. */
  free(): void
}

/** Mounts a small tmpfs that goes with the test; says why not where that takes rights we do not have. */
export function mountSmallDisk(megabytes: number): SmallDisk | { readonly refused: string } {
  const folder = tempFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) }
  }
  onTestFinished(() => void execFileSync('umount', [folder]))
  const filler = join(folder, 'filler')
  return {
    folder,
    fill: () => {
      const file = openSync(filler, 'a')
      try {
        for (let size = 65_536; size >= 1; size /= 2) writeUntilFull(file, size)
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(filler),
  }
}

function writeUntilFull(file: number, size: number): void {
  const bytes = Buffer.alloc(size)
  try {
    for (;;) writeSync(file, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
