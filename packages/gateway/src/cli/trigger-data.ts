import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { messageOf } from '../config/problem.ts'
import type { CliContext } from './context.ts'
import { UsageError } from './usage-error.ts'

/** `@file`, `@-` for standard input, or the text itself; bytes are sent as they are. */
export async function readData(
  data: string,
  { cwd, stdin }: Pick<CliContext, 'cwd' | 'stdin'>,
): Promise<Uint8Array> {
  if (!data.startsWith('@')) return Buffer.from(data, 'utf8')
  try {
    if (data !== '@-') return await readFile(resolve(cwd, data.slice(1)))
    const chunks: Uint8Array[] = []
    for await (const chunk of stdin) chunks.push(chunk)
    return Buffer.concat(chunks)
  } catch (error) {
    throw new UsageError(`--data cannot be read: ${messageOf(error)}`, { cause: error })
  }
}
