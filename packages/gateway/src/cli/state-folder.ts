import { chmod, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The gateway's own folder in the working directory. */
export const STATE_FOLDER = '.postern'

/** What is said where a mode had to be narrowed. */
export type Warn = (message: string) => void

/** Makes the folder, for its owner only and invisible to git; answers its path. */
export async function openStateFolder(cwd: string, warn: Warn): Promise<string> {
  const folder = join(cwd, STATE_FOLDER)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await narrow(folder, 0o700, STATE_FOLDER, warn)
  // Where it is there, it is left as it is: somebody may have changed it.
  await writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx' }).catch(unlessExists)
  return folder
}

/** Takes the rights of group and others away, where there are any. */
export async function narrow(path: string, mode: number, shownAs: string, warn: Warn): Promise<void> {
  if (process.platform === 'win32') return
  const before = (await stat(path)).mode & 0o777
  if ((before & ~mode) === 0) return
  await chmod(path, mode)
  warn(`${shownAs} could be read or changed by others (mode ${octal(before)}); it is now ${octal(mode)}`)
}

/** Writes a file whole or not at all, never readable by others, not even for a moment. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`
  await rm(temporary, { force: true })
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Else a power cut could undo the rename. Where folders cannot be opened, as on Windows, there is nothing to do. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  await folder?.sync().catch(() => {})
  await folder?.close()
}

/** Swallows "it exists already". */
export function unlessExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
