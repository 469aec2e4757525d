import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** Why a proof cannot be done on this machine. */
export interface Refused {
  readonly refused: string
}

/** Runs the short form of a program of `scripts/proofs` and answers what it found. */
export async function runProof<Result>(name: string, ...args: readonly string[]): Promise<Result | Refused> {
  const script = fileURLToPath(new URL(`../../scripts/proofs/${name}.mjs`, import.meta.url))
  const child = spawn(process.execPath, [script, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
  // It takes its own processes and mounts with it.
  onTestFinished(() => void child.kill('SIGTERM'))
  const [found, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (found === '') throw new Error(`${name} found nothing: ${errors}`)
  // Printed by our own script; its tests look at every field.
  return JSON.parse(found) as Result | Refused
}
