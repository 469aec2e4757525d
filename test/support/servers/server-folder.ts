import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync } from 'node:fs'
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
