import { CONNECT_MS, Ending, type Link } from './link.ts'

/** What is used of a client of `redis`. The store only makes connections of its own from it. */
export interface NodeRedisClient {
  readonly options?: { readonly socket?: object } | undefined
  duplicate(overrides?: Readonly<Record<string, unknown>>): NodeRedisClient
  connect(): Promise<unknown>
  sendCommand(
    args: readonly (string | Buffer)[],
    options?: { readonly typeMapping?: Readonly<Record<number, unknown>> },
  ): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<void>
  on(event: string, listener: (...values: unknown[]) => void): unknown
  destroy(): void
}

/** What is used of a client of `redis` that knows a cluster. */
export interface NodeRedisCluster {
  readonly masters: readonly unknown[]
  duplicate(overrides?: Readonly<Record<string, unknown>>): NodeRedisCluster
  connect(): Promise<unknown>
  nodeClient(node: never): NodeRedisClient | Promise<NodeRedisClient>
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: (string | Buffer)[],
    options?: { readonly typeMapping?: Readonly<Record<number, unknown>> },
  ): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<void>
  on(event: string, listener: (...values: unknown[]) => void): unknown
  destroy(): void
}

/** Bulk replies, named by the byte that begins them (`$`), come as bytes. */
const AS_BYTES = { typeMapping: { 36: Buffer } } as const

/** Opens a connection like a client's. */
export async function openNodeRedis(client: NodeRedisClient): Promise<Link> {
  const socket = { ...client.options?.socket, reconnectStrategy: false, connectTimeout: CONNECT_MS }
  const own = client.duplicate({ socket, disableOfflineQueue: true })
  const { onEnd, end } = endOf(own)
  await opened(own, end)
  return {
    command: (_key, args) => own.sendCommand(args, AS_BYTES),
    everywhere: async (args) => [await own.sendCommand(args, AS_BYTES)],
    subscribe: (channel, onMessage) => own.subscribe(channel, onMessage),
    onEnd,
    end,
  }
}

/** Opens connections like a cluster client's. */
export async function openNodeRedisCluster(client: NodeRedisCluster): Promise<Link> {
  const own = client.duplicate()
  const { onEnd, end } = endOf(own)
  await opened(own, end)
  return {
    command: (key, args) => own.sendCommand(key, false, [...args], AS_BYTES),
    everywhere: (args) =>
      Promise.all(
        own.masters.map(async (node) => (await own.nodeClient(node as never)).sendCommand(args, AS_BYTES)),
      ),
    subscribe: (channel, onMessage) => own.subscribe(channel, onMessage),
    onEnd,
    end,
  }
}

type Either = Pick<NodeRedisClient, 'connect' | 'destroy' | 'on'>

async function opened(own: Either, end: () => void): Promise<void> {
  try {
    await own.connect()
  } catch (error) {
    end()
    throw error
  }
}

/** The client throws where nobody listens to its errors, and where it is destroyed twice. */
function endOf(own: Either): Pick<Link, 'onEnd' | 'end'> {
  const ending = new Ending()
  const end = (): void => {
    if (ending.hasEnded) return
    ending.end()
    try {
      own.destroy()
    } catch {
      // It had never been opened, or closed itself first.
    }
  }
  own.on('error', end)
  own.on('end', end)
  return { onEnd: (listener) => ending.onEnd(listener), end }
}
