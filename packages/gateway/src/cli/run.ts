import { CommanderError } from 'commander'
import { ConfigError, messageOf } from '../config/problem.ts'
import { escapeUnprintable } from '../observe/escape.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-code.ts'
import { createProgram } from './program.ts'
import { fromSeedForm } from './seed-alias.ts'
import { UsageError } from './usage-error.ts'

/** Runs one command line and answers its exit code. Never rejects. */
export async function run(args: readonly string[], context: CliContext): Promise<number> {
  let code: number = EXIT.ok
  try {
    await createProgram(context, (result) => {
      code = result
    }).parseAsync([...fromSeedForm(args)], { from: 'user' })
    return code
  } catch (error) {
    return report(error, context)
  }
}

function report(error: unknown, { stderr }: CliContext): number {
  // Commander has printed its own.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  const messages =
    error instanceof ConfigError
      ? error.problems.map(({ path, message }) => `${path}: ${message}`)
      : [messageOf(error)]
  for (const message of messages) stderr.write(`error: ${escapeUnprintable(message, 1000)}\n`)
  return error instanceof UsageError ? EXIT.usage : EXIT.failed
}
