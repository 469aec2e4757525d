import type { Source } from '../../packages/postern/src/core/index.ts'
import type { Occurrence } from '../../packages/postern/src/inbox/index.ts'
import type { Postern } from '../../packages/postern/src/postern.ts'
import type { Handler } from '../../packages/postern/src/worker/index.ts'
import { StoreClient, type ClientWatch } from './client.ts'
import type { Database } from './database.ts'
import type { Product, SimulatedEffect } from './image.ts'
import { Random } from './random.ts'
import { DESTINATIONS, SOURCE_NAMES, sourceOf, type Scenario } from './scenario.ts'
import type { Owner, VirtualTime } from './virtual-time.ts'

/** What a process is told about, and asked for. */
export interface ProcessHooks extends ClientWatch {
  readonly handler: (destination: string) => Handler<string, unknown, SimulatedEffect>
  readonly onOccurrence: (occurrence: Occurrence) => void
}

export interface World {
  readonly product: Product
  readonly time: VirtualTime
  readonly database: Database
  readonly scenario: Scenario
  /** Jumps of the nodes' wall clocks. */
  readonly wallMs: (node: number) => number
}

export interface Request {
  readonly source: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One life of a node: an inbox made as an app makes it, in a process that may die at any task. */
export class Process {
  readonly owner: Owner
  readonly node: number
  readonly client: StoreClient
  readonly postern: Postern
  startedMs: number | undefined
  isStopping = false
  stoppedMs: number | undefined
  lastHaltEndsMs = -Infinity

  constructor(world: World, node: number, owner: Owner, hooks: (process: Process) => ProcessHooks) {
    const { product, database, scenario } = world
    this.owner = owner
    this.node = node
    const told = hooks(this)
    this.client = new StoreClient(product, database, owner, told)
    const random = new Random(node * 1000 + Math.floor(world.time.nowMs))
    this.postern = product.createPostern<Readonly<Record<string, Source>>, SimulatedEffect>({
      store: this.client,
      sources: Object.fromEntries(SOURCE_NAMES.map((source) => [source, sourceOf(source, scenario)])),
      handlers: (on) =>
        SOURCE_NAMES.flatMap((source) =>
          DESTINATIONS.map((destination) =>
            on(
              source,
              'changed',
              told.handler(destination),
              destination === 'handlers' ? {} : { name: destination },
            ),
          ),
        ),
      retry: { attempts: scenario.attempts, baseMs: 500, factor: 2, capMs: 3000 },
      worker: {
        concurrency: scenario.concurrency,
        leaseMs: scenario.leaseMs,
        handlerTimeoutMs: scenario.handlerTimeoutMs,
      },
      retentionMs: scenario.retentionMs,
      log: SILENT,
      observe: told.onOccurrence,
      now: () => world.wallMs(node),
      random: () => random.next(),
    })
  }

  /** Whether it takes connections. */
  get isListening(): boolean {
    return this.owner.isAlive && this.startedMs !== undefined && this.stoppedMs === undefined
  }

  /** Answers a request that has arrived; called on the process's own time. */
  async answer({ source, headers, body }: Request): Promise<number> {
    const response = await this.postern.fetch(requestOf(source, headers, body))
    return response.status
  }
}

/** What the mount reads of a Fetch request; Node's own costs 30 µs to make. */
function requestOf(
  source: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): globalThis.Request {
  const chunks = [Buffer.from(body)]
  const read = async (): Promise<object> => {
    const value = chunks.shift()
    return { done: value === undefined, value }
  }
  const fields = new Map(Object.entries(headers))
  const light = {
    method: 'POST',
    url: `http://inbox/webhooks/${source}`,
    headers: { get: (name: string) => fields.get(name) ?? null, [Symbol.iterator]: () => fields.entries() },
    bodyUsed: false,
    body: { locked: false, getReader: () => ({ read, cancel: async () => {} }) },
  }
  return light as unknown as globalThis.Request
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} }
