import { statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Rights of everybody else, as bits of a mode: a group has been chosen by somebody, as Kubernetes' `fsGroup` is. */
const EVERYBODY = { read: 0o004, write: 0o002, enter: 0o001 } as const

/** What is said of a file that is nobody else's business, and what to do about it. */
export interface ToldOfFile {
  /** How it is called, with its path. */
  readonly called: string
  readonly remedy: string
}

/**
 * What is wrong with the mode of a file that holds a key or customers' data; `undefined` where nothing is. Of a file in a folder that
 * nobody else may enter, its own mode says nothing. Windows has no such modes.
 */
export function exposureOfFile(path: string, { called, remedy }: ToldOfFile): string | undefined {
  if (process.platform === 'win32' || !canBeEntered(dirname(path))) return undefined
  const mode = modeOf(path)
  return (mode & (EVERYBODY.read | EVERYBODY.write)) === 0
    ? undefined
    : `${called} can be read or changed by everybody on this machine (mode ${octal(mode)}): ${remedy}`
}

/** The same of the folder that it stands in, where everybody can put another in its place. */
export function exposureOfFolder(path: string, remedy: string): string | undefined {
  const folder = dirname(path)
  if (process.platform === 'win32' || !canBeEntered(folder) || (modeOf(folder) & EVERYBODY.write) === 0)
    return undefined
  return `everybody on this machine can put files into ${folder} (mode ${octal(modeOf(folder))}), ${remedy}`
}

function canBeEntered(folder: string): boolean {
  return (modeOf(folder) & EVERYBODY.enter) !== 0
}

/** Nothing where it is gone: it was there a moment ago, and may be just being replaced. */
function modeOf(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o777
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`
}
