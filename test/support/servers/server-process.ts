import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Account } from './account.ts'
import type { ServerFolder } from './server-folder.ts'

export interface ServerProcessOptions {
  readonly folder: ServerFolder
  readonly program: string
  readonly args: readonly string[]
  /** The line that it writes once it takes connections. */
  readonly ready: RegExp
  readonly account?: Account | undefined
}

/** Of a server that hangs; a slow machine under load takes a tenth of it. */
const START_TIMEOUT_MS = 60_000
const LOG_LENGTH = 4 * 1024 * 1024

/** One server that can be started, ended, killed and started again. */
export class ServerProcess {
  readonly #options: ServerProcessOptions
  #child: ChildProcess | undefined
  #log = ''

  constructor(options: ServerProcessOptions) {
    this.#options = options
  }

  /** What it has written so far, through all its lives. */
  get log(): string {
    return this.#log
  }

  /** Fulfils once the server takes connections; rejects with its last words where it ends before that. */
  async start(): Promise<void> {
    if (this.#child !== undefined) return
    const { folder, program, args, account } = this.#options
    const child = spawn(program, args, {
      cwd: folder.path,
      // Ctrl-C is for the tests; they end the server when they are done with it.
      detached: true,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...account,
    })
    await once(child, 'spawn')
    this.#child = child
    child.once('exit', () => {
      this.#child = undefined
      rmSync(folder.pidFile, { force: true })
    })
    writeFileSync(folder.pidFile, String(child.pid))
    await this.#untilReady(child)
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  /** Halts the server and all its own processes where they stand. */
  halt(): void {
    const pid = this.#child?.pid
    if (pid === undefined) return
    // The parent first, so that it starts no more of them.
    process.kill(pid, 'SIGSTOP')
    for (const each of childrenOf(pid)) signalIfThere(each, 'SIGSTOP')
  }

  /** Kills the server and all its own processes, so that none of them can write another byte. */
  async kill(): Promise<void> {
    const children = childrenOf(this.#child?.pid)
    // The parent first: it would take the death of a child for a crash, and start again.
    const ended = this.end('SIGKILL')
    for (const pid of children) signalIfThere(pid, 'SIGKILL')
    await ended
    while (children.some(isAlive)) await pause(2)
  }

  async #untilReady(child: ChildProcess): Promise<void> {
    const start = this.#log.length
    const ready = new Promise<void>((resolve) => {
      const read = (chunk: Buffer): void => {
        this.#log = (this.#log + chunk.toString()).slice(-LOG_LENGTH)
        if (this.#options.ready.test(this.#log.slice(start))) resolve()
      }
      child.stdout?.on('data', read)
      child.stderr?.on('data', read)
    })
    const ended = once(child, 'close').then(() => 'ended' as const)
    const timeout = new AbortController()
    const late = pause(START_TIMEOUT_MS, 'late' as const, { signal: timeout.signal }).catch(
      () => 'called off',
    )
    const outcome = await Promise.race([ready, ended, late])
    timeout.abort()
    if (outcome === undefined) return
    child.kill('SIGKILL')
    throw new Error(`${this.#options.program} did not start (${outcome}):\n${this.#log.slice(start)}`)
  }
}

function childrenOf(pid: number | undefined): readonly number[] {
  if (pid === undefined) return []
  const listed =
    process.platform === 'linux'
      ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      : spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' }).stdout
  return listed.split(/\s+/).filter(Boolean).map(Number)
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself, as it does when it sees that its parent is gone.
  }
}

/** A process that has ended stays in the table until its parent looks, which in some containers nobody does. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
