import type { CliContext } from '../../packages/gateway/src/cli/context.ts'

/** What a command is given that is run in the test's own process: nothing on its standard input, and nobody who reads what it says. */
export function cliContext(changed: Partial<CliContext> & Pick<CliContext, 'cwd'>): CliContext {
  let ids = 0
  return {
    env: {},
    stdin: noInput(),
    stdout: { write() {} },
    stderr: { write() {} },
    now: Date.now,
    randomBytes: (length) => Buffer.alloc(length, (ids += 1)),
    version: '1.2.3',
    nodeVersion: '20.19.0',
    onSignal: () => () => {},
    onFatal: () => () => {},
    exit: () => {},
    ...changed,
  }
}

async function* noInput(): AsyncGenerator<Uint8Array> {}
