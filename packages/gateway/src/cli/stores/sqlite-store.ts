import { existsSync } from 'node:fs'
import { exposureOfFile, exposureOfFolder } from '../exposed-file.ts'
import type { StoreOpener } from './store-opener.ts'

export const sqliteOpener: StoreOpener = {
  isThere: existsSync,
  exposures: exposuresOf,
  open: async (path) => {
    const { sqlite } = await import('postern/sqlite')
    return { store: sqlite(path), release: async () => {} }
  },
  clock: {
    advice:
      'this one was set back, and what waits in the store does not wait longer for that; times that the store shows are of its own clock',
    worst: 'warn',
  },
  // The store sets them itself, on every connection.
  howToSet: (name, value) => `PRAGMA ${name} = ${value}`,
}

function exposuresOf(path: string): readonly string[] {
  if (!existsSync(path)) return []
  const file = exposureOfFile(path, {
    called: `${path}, with all events in it,`,
    remedy: `chmod 600 '${path}' and, where they are there, '${path}-wal' and '${path}-shm'`,
  })
  const folder = exposureOfFolder(path, "where the store's stand: give it a folder of its own, mode 0700")
  return [file, folder].filter((told) => told !== undefined)
}
