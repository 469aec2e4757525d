import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Account } from './account.ts'

/** What a server's process is told with the folder it lives in. */
export interface ServerFolder {
  readonly path: string
  /** Where the number of the process stands while there is one. */
  readonly pidFile: string
  /** Ends the server at once and removes the folder. */
  remove(): Promise<void>
}

/**
 * Runs in a session of its own, and reads until the process that started it closes the pipe, or is killed, which closes
 * it as well. So no server and no folder outlives the tests, however they end. PostgreSQL that was killed leaves a segment of
 * System V shared memory behind, whose number is on the seventh line of `postmaster.pid`.
 */
const REAPER = `
cat >/dev/null
pid=$(cat "$1/server.pid" 2>/dev/null)
turns=0
while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do
  if [ $turns = 0 ]; then kill -s "$2" "$pid"; fi
  if [ $turns = 200 ]; then kill -s KILL "$pid"; break; fi
  turns=$((turns + 1))
  sleep 0.02
done
segment=$(sed -n '7s/.* //p' "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$segment" ]; then ipcrm -m "$segment" 2>/dev/null; fi
rm -rf "$1"
`

/** Where a server's data lie. */
export interface DataPlace {
  /** An empty folder on a certain disk. Default: one in the server's own folder. */
  readonly data?: string | undefined
}

/** Makes the folder `data` in a server's folder, or a link of that name to where the data shall lie. */
export function makeDataFolder(folder: ServerFolder, { data }: DataPlace, owner?: Account): string {
  const path = join(folder.path, 'data')
  if (data === undefined) mkdirSync(path)
  else symlinkSync(data, path)
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
  return path
}

/** A folder for one server, gone with it. @param endSignal What ends the server without waiting for anybody. */
export function makeServerFolder(name: string, endSignal: 'QUIT' | 'KILL', owner?: Account): ServerFolder {
  const path = mkdtempSync(join(tmpdir(), `postern-${name}-`))
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
  const reaper = spawn('/bin/sh', ['-c', REAPER, 'reaper', path, endSignal], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = once(reaper, 'exit')
  return {
    path,
    pidFile: join(path, 'server.pid'),
    remove: async () => {
      reaper.stdin.end()
      await ended
    },
  }
}
