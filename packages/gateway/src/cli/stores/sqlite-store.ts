import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { StoreOpener } from './store-opener.ts'

export const sqliteOpener: StoreOpener = {
  isThere: existsSync,
  exposures: exposuresOf,
  open: async (path) => {
    const { sqlite } = await import('postern/sqlite')
    return { store: sqlite(path), release: async () => {} }
  },
  // The store sets them itself, on every connection.
  howToSet: (name, value) => `PRAGMA ${name} = ${value}`,
}

/** Rights of everybody else, as bits of a mode: a group has been chosen by somebody, as Kubernetes' `fsGroup` is. */
const EVERYBODY = { read: 0o004, write: 0o002, enter: 0o001 } as const

/** Of a file in a folder that nobody else may enter, its own mode says nothing. Windows has no such modes. */
function exposuresOf(path: string): readonly string[] {
  if (process.platform === 'win32' || !existsSync(path)) return []
  const folder = dirname(path)
  const [fileMode, folderMode] = [modeOf(path), modeOf(folder)]
  if ((folderMode & EVERYBODY.enter) === 0) return []
  const isOpen = (fileMode & (EVERYBODY.read | EVERYBODY.write)) !== 0
  const isReplaceable = (folderMode & EVERYBODY.write) !== 0
  return [
    ...(isOpen
      ? [
          `${path}, with all events in it, can be read or changed by everybody on this machine (mode ${octal(fileMode)}): chmod 600 '${path}' and, where they are there, '${path}-wal' and '${path}-shm'`,
        ]
      : []),
    ...(isReplaceable
      ? [
          `everybody on this machine can put files into ${folder} (mode ${octal(folderMode)}), where the store's stand: give it a folder of its own, mode 0700`,
        ]
      : []),
  ]
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`
}
