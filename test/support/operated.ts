import { memory } from 'postern/memory'
import { standardWebhooks } from 'postern/providers'
import type { Claimed, NewEvent, Outcome, Postern, Sources } from 'postern'
import { onTestFinished } from 'vitest'
import { AdminServer } from '../../packages/gateway/src/admin/admin-server.ts'
import type { CliContext } from '../../packages/gateway/src/cli/context.ts'
import { createInbox } from '../../packages/gateway/src/cli/inbox.ts'
import { run } from '../../packages/gateway/src/cli/run.ts'
import type { GatewayConfig } from '../../packages/gateway/src/config/define-config.ts'
import { OWN_MACHINE, SECRET, SOURCE_SECRET, storedEvent } from './forwarding.ts'
import { cliContext } from './cli-context.ts'

export interface OperatedOptions {
  /** Beside `shop`. */
  readonly sources?: Sources
  /** Beside the destination `billing`, which has all of `shop`. */
  readonly handlers?: NonNullable<GatewayConfig['handlers']>
  readonly token?: string
}

/** A gateway's inbox with its admin API over HTTP, and the command line against it. Nothing runs until `drain`. */
export interface Operated {
  readonly store: ReturnType<typeof memory>
  readonly postern: Postern
  /** Records events of `shop` as they are given, on top of sound ones. */
  put(...events: readonly Partial<NewEvent>[]): Promise<readonly number[]>
  claim(destination: string): Promise<readonly Claimed[]>
  /** Claims what is due at one destination, and ends it. */
  settle(destination: string, outcome: Outcome): Promise<void>
  cli(
    ...args: readonly string[]
  ): Promise<{ readonly code: number; readonly out: string; readonly err: string }>
  ask(
    path: string,
    init?: RequestInit,
  ): Promise<{ readonly status: number; readonly text: string; readonly json: unknown }>
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }

export async function operated({ sources, handlers, token }: OperatedOptions = {}): Promise<Operated> {
  const store = memory()
  const inbox = createInbox({
    config: {
      sources: { shop: standardWebhooks({ secret: SOURCE_SECRET }), ...sources },
      ...(handlers && { handlers }),
    },
    destinations: [
      {
        name: 'billing',
        url: 'http://127.0.0.1:1/in',
        from: { source: 'shop' },
        secrets: [SECRET],
        allowNetworks: OWN_MACHINE,
      },
    ],
    store,
    log: silent,
  })
  const { postern, forwarding, destinations } = inbox
  const server = new AdminServer({
    store,
    secretUse: async () => [],
    replay: postern.replay,
    destinations,
    forwarding,
    access: { isLoopback: true, token },
    log: silent,
  })
  await forwarding.start()
  const { port } = await server.listen('127.0.0.1', 0)
  onTestFinished(async () => {
    await server.close()
    await postern.stop({ graceMs: 0 })
    await forwarding.stop()
  })
  const claim: Operated['claim'] = (name) =>
    store.claim({ destinations: [{ name, limit: 1000 }], leaseMs: 1000, waitMs: 0 })
  return {
    store,
    postern,
    put: async (...events) => {
      const results = await store.put(
        events.map((each, index) => ({ ...storedEvent(index, ['billing']), ...each })),
      )
      return results.map((result) => ('eventSeq' in result ? result.eventSeq : 0))
    },
    claim,
    settle: async (destination, outcome) => {
      const claimed = await claim(destination)
      await store.settle(claimed.map((each) => ({ ...each, outcome, durationMs: 1 })))
    },
    cli: async (...args) =>
      commandLine(args, { POSTERN_ADMIN: `127.0.0.1:${port}`, POSTERN_ADMIN_TOKEN: token }),
    ask: async (path, init) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
      const text = await response.text()
      return { status: response.status, text, json: JSON.parse(text) as unknown }
    },
  }
}

async function commandLine(
  args: readonly string[],
  env: CliContext['env'],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const told = { out: '', err: '' }
  const stdout = { write: (text: string) => void (told.out += text) }
  const stderr = { write: (text: string) => void (told.err += text) }
  const code = await run(args, cliContext({ env, cwd: '/nowhere', stdout, stderr }))
  return { code, ...told }
}
