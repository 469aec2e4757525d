import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A stretch of network between a client and a server on this machine, that can be made bad. */
export interface TestProxy {
  readonly port: number
  /** Open connections of clients. */
  connections(): number
  /** Every byte arrives so much later, in each direction: a round trip takes twice that. */
  delay(ms: number): void
  /** Resets every connection, and each new one at once, until `heal`. */
  cut(): void
  /** Resets all connections after so many more bytes have gone that way; new ones pass. */
  cutAfter(bytes: number, way: Way): void
  /** Nothing comes through, and nobody is told, until `heal`: a partition. New connections are taken and stay silent. */
  silence(): void
  /** What is open now stays silent for ever, and new ones pass: as when a machine is replaced, or a router forgets. */
  forget(): void
  /** As at first. What was held back by `silence` arrives. */
  heal(): void
  close(): Promise<void>
}

export type Way = 'toServer' | 'toClient'

/** Starts a proxy before a port of this machine. */
export async function startProxy(targetPort: number): Promise<TestProxy> {
  const weather = new Weather()
  const server = createServer((client) => {
    // Whoever is reset hears of it by its own `close`.
    client.on('error', () => {})
    if (weather.isCut) return void client.resetAndDestroy()
    const target = connect(targetPort, '127.0.0.1').on('error', () => {})
    const line = weather.add(client, target)
    carry(client, target, 'toServer', { weather, line })
    carry(target, client, 'toClient', { weather, line })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => weather.size,
    delay: (ms) => {
      weather.delayMs = ms
    },
    cut: () => weather.cut(),
    cutAfter: (bytes, way) => weather.cutAfter(bytes, way),
    silence: () => weather.silence(),
    forget: () => weather.forget(),
    heal: () => weather.heal(),
    close: async () => {
      weather.cut()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

/** A server's URL, by way of another port. */
export function throughPort(url: string, port: number): string {
  const changed = new URL(url)
  changed.port = String(port)
  return changed.href
}

/** What one direction of a connection may hold back before it reads no further, as a real network's buffers do. */
const HELD_BYTES = 1024 * 1024

interface Line {
  readonly sockets: readonly [client: Socket, target: Socket]
  isForgotten: boolean
}

interface Conditions {
  readonly weather: Weather
  readonly line: Line
}

/** Carries one direction of a connection, its end included: who is cut off by silence hears of no end either. */
function carry(from: Socket, to: Socket, way: Way, { weather, line }: Conditions): void {
  let held = 0
  let last = Promise.resolve()
  const next = (step: () => void | Promise<void>): void => {
    const dueMs = performance.now() + weather.delayMs
    last = last
      .then(() => weather.pass(dueMs))
      .then(() => (line.isForgotten ? new Promise(() => {}) : undefined))
      .then(step)
  }
  from.setNoDelay(true)
  from.on('data', (chunk: Buffer) => {
    held += chunk.byteLength
    if (held > HELD_BYTES) from.pause()
    next(async () => {
      await deliver(chunk, to, way, weather)
      held -= chunk.byteLength
      from.resume()
    })
  })
  from.on('end', () => next(() => void to.end()))
  from.on('close', (hadError) => next(() => void (hadError ? to.resetAndDestroy() : to.destroySoon())))
}

async function deliver(chunk: Buffer, to: Socket, way: Way, weather: Weather): Promise<void> {
  const { rest, isLast } = weather.count(chunk, way)
  // Called back with an error where `to` is closed: its own `close` tells the other side.
  await new Promise<unknown>((resolve) => to.write(rest, resolve))
  if (isLast) weather.resetAll()
}

class Weather {
  readonly #lines = new Set<Line>()
  #left: { bytes: number; readonly way: Way } | undefined
  #silence: { readonly over: Promise<void>; readonly end: () => void } | undefined
  isCut = false
  delayMs = 0

  get size(): number {
    return this.#lines.size
  }

  add(client: Socket, target: Socket): Line {
    const line: Line = { sockets: [client, target], isForgotten: false }
    this.#lines.add(line)
    client.once('close', () => this.#lines.delete(line))
    return line
  }

  cut(): void {
    this.isCut = true
    this.resetAll()
  }

  cutAfter(bytes: number, way: Way): void {
    this.#left = { bytes, way }
  }

  silence(): void {
    if (this.#silence !== undefined) return
    let end = (): void => {}
    const over = new Promise<void>((resolve) => (end = resolve))
    this.#silence = { over, end }
  }

  forget(): void {
    for (const line of this.#lines) line.isForgotten = true
  }

  heal(): void {
    this.isCut = false
    this.delayMs = 0
    this.#left = undefined
    this.#silence?.end()
    this.#silence = undefined
  }

  /** Fulfils when what stands here may go on. */
  async pass(dueMs: number): Promise<void> {
    const waitMs = dueMs - performance.now()
    if (waitMs > 0) await pause(waitMs)
    await this.#silence?.over
  }

  /** What of these bytes still goes through, and whether the connections end with it. */
  count(chunk: Buffer, way: Way): { readonly rest: Buffer; readonly isLast: boolean } {
    const left = this.#left
    if (left === undefined || left.way !== way) return { rest: chunk, isLast: false }
    const rest = chunk.subarray(0, left.bytes)
    left.bytes -= rest.byteLength
    const isLast = left.bytes <= 0
    if (isLast) this.#left = undefined
    return { rest, isLast }
  }

  resetAll(): void {
    for (const { sockets } of this.#lines) for (const socket of sockets) socket.resetAndDestroy()
  }
}
