import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { freePort } from './servers/free-port.ts'

const POSTERN = resolve('node_modules/.bin/postern')

/** A gateway as its own process, by the command as npm links it. */
export interface Gateway {
  readonly origin: string
  /** Of the operator's API. */
  readonly adminOrigin: string
  output(): string
  /** Waits for a line, from a position of the output on. */
  logs(pattern: RegExp, from?: number): Promise<RegExpExecArray>
  /** Ends it as a service manager does, and answers its exit code. */
  stop(): Promise<number | null>
  /** Stops all that it does, as a power cut does; it can only be killed then. */
  halt(): void
  /** Ends it without a word. */
  kill(): Promise<unknown>
}

/** Starts it on free ports; fulfils when it is ready, rejects with its output where it ends before. */
export async function startGateway(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Gateway> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, [POSTERN, ...args], {
    cwd,
    env: { ...cleanEnv(), ...env, PORT: String(port), POSTERN_ADMIN: `127.0.0.1:${adminPort}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = collect(child)
  const ended = new Promise<number | null>((done) => child.on('exit', done))
  const origin = `http://localhost:${port}`
  const started: Gateway = {
    origin,
    adminOrigin: `http://localhost:${adminPort}`,
    output: output.text,
    logs: output.find,
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
    halt: () => {
      child.kill('SIGSTOP')
    },
    kill: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
  await untilReady(started, child)
  return started
}

async function untilReady({ origin, output }: Gateway, child: ChildProcess): Promise<void> {
  for (;;) {
    const response = await fetch(`${origin}/readyz`).catch(() => undefined)
    if (response?.ok) return
    if (child.exitCode !== null) throw new Error(output())
  }
}

function collect(child: ChildProcess): { text(): string; find: Gateway['logs'] } {
  let text = ''
  let wake: () => void = () => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      wake()
    })
  }
  return {
    text: () => text,
    find: async (pattern, from = 0) => {
      for (;;) {
        const match = pattern.exec(text.slice(from))
        if (match !== null) return match
        await new Promise<void>((done) => (wake = done))
      }
    },
  }
}

/** Runs one command line to its end. */
export function postern(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [POSTERN, ...args],
      { cwd, env: { ...cleanEnv(), ...env } },
      (_error, stdout, stderr) => done({ exitCode: child.exitCode, stdout, stderr }),
    )
  })
}

/** Without what a developer may have set for a gateway of their own. */
function cleanEnv(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter(
    (name) => !/^(PORT|REDIS_URL|POSTERN_.*|.*_WEBHOOK_SECRET(_2)?)$/.test(name),
  )
  return Object.fromEntries(names.map((name) => [name, process.env[name]]))
}
