import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes an empty file, which SQLite takes for a new database, and the folders above it where they are missing, for their
 * owner alone: customers' data stand in it. SQLite would make it 0644 less the umask. It gives `-wal` and `-shm` the mode
 * of the file (https://sqlite.org/src/file/src/os_unix.c, `findCreateFileMode`).
 */
export function makePrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    // Never one that is there: closing it would end the locks that SQLite holds on it in this process (POSIX).
    closeSync(openSync(path, 'wx', 0o600))
  } catch {
    // It is there, or SQLite says why it cannot be made.
  }
}
