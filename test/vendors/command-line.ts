import { randomBytes } from 'node:crypto'
import { run } from '../../packages/gateway/src/cli/run.ts'
import type { CliContext } from '../../packages/gateway/src/cli/context.ts'

/** What one command line printed and answered. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandLine {
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>
  /** All that was ever printed. */
  printed(): string
}

/** The command line in this process, with a vendor's stand-in in place of its API. */
export function commandLine(
  {
    cwd,
    origin,
    env,
  }: { readonly cwd: string; readonly origin: string; readonly env: Readonly<Record<string, string>> },
  changed: Partial<CliContext> = {},
): CommandLine {
  let all = ''
  return {
    async run(args, more = {}) {
      let [stdout, stderr] = ['', '']
      const code = await run(args, {
        env: { ...env, ...more },
        cwd,
        stdin: (async function* () {})(),
        stdout: { write: (text) => void (stdout += text) },
        stderr: { write: (text) => void (stderr += text) },
        now: Date.now,
        randomBytes,
        version: '0.0.0',
        nodeVersion: process.versions.node,
        onSignal: () => () => {},
        onFatal: () => () => {},
        exit: () => {},
        vendors: { originOf: () => origin, pause: () => Promise.resolve(), arrivesWithinMs: 300 },
        ...changed,
      })
      all += stdout + stderr
      return { code, stdout, stderr }
    },
    printed: () => all,
  }
}
