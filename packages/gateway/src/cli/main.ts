import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import type { CliContext } from './context.ts'
import { ProcessSignals } from './process-signals.ts'

/** How long what is still open may keep a finished command alive. */
const LINGER_MS = 1000

/** Runs this process's command line. */
export async function main(): Promise<void> {
  const signals = new ProcessSignals({
    on: (signal, listener) => process.on(signal, listener),
    off: (signal, listener) => process.off(signal, listener),
    raise: (signal) => process.kill(process.pid, signal),
  })
  endQuietlyWithoutReader()
  // Only now, since it is most of the time that a start takes.
  const { run } = await import('./run.ts')
  const ended = run(process.argv.slice(2), processContext(signals))
  setImmediate(() => signals.loaded())
  process.exitCode = await ended
  setTimeout(() => process.exit(), LINGER_MS).unref()
}

function processContext(signals: ProcessSignals): CliContext {
  return {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    now: Date.now,
    randomBytes,
    version: ownVersion(),
    nodeVersion: process.versions.node,
    onSignal: signals.subscribe,
    onReload: (listener) => {
      process.on('SIGHUP', listener)
      return () => void process.off('SIGHUP', listener)
    },
    onFatal: (listener) => {
      process.on('uncaughtException', listener)
      return () => void process.off('uncaughtException', listener)
    },
    exit: (code) => process.exit(code),
  }
}

function ownVersion(): string {
  // Our own file; what stands in it is known.
  const { version } = createRequire(import.meta.url)('../../package.json') as { readonly version: string }
  return version
}

/** `postern trigger --list | head -1`: whoever read has left, and that is no error. */
function endQuietlyWithoutReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}
