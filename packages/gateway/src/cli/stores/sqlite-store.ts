import { existsSync } from 'node:fs'
import type { StoreOpener } from './store-opener.ts'

export const sqliteOpener: StoreOpener = {
  isThere: existsSync,
  open: async (path) => {
    const { sqlite } = await import('postern/sqlite')
    return { store: sqlite(path), release: async () => {} }
  },
  // The store sets them itself, on every connection.
  howToSet: (name, value) => `PRAGMA ${name} = ${value}`,
}
