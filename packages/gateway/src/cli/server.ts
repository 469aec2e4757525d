import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { setTimeout as pause } from 'node:timers/promises'
import { originForm, type Postern } from 'postern'
import type { Address } from '../config/address.ts'
import { createHealth } from './health.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './http-limits.ts'
import { SilentSockets } from './silent-sockets.ts'

export interface PublicServerOptions {
  readonly postern: Pick<Postern, 'isReady' | 'node'>
  /** The body limit of the source at a path; `undefined` where there is none. */
  readonly maxBodyBytesAt: (path: string) => number | undefined
  readonly limits?: Partial<HttpLimits>
  /** Set: HTTPS, and nothing else. */
  readonly tls?: SecureContextOptions
}

export interface DrainTimes {
  /**
   * For so long every answer tells its sender that the connection ends, before idle ones are closed: a request that
   * is on its way to a connection that is just being closed is lost without an answer.
   */
  readonly announceMs: number
  /** After that requests under way are waited for, for so long. */
  readonly graceMs: number
}

/** How often a drain looks for connections that have become idle. */
const SWEEP_MS = 50

/** The public listener: senders' requests and the two health paths. */
export class PublicServer {
  readonly #options: PublicServerOptions
  readonly #server: Server | TlsServer
  readonly #silent: SilentSockets
  readonly #inFlight = new Set<ServerResponse>()
  readonly #answering = new WeakMap<Socket, ServerResponse>()
  readonly #health: ReturnType<typeof createHealth>
  #isDraining = false

  constructor(options: PublicServerOptions) {
    const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
    this.#options = options
    this.#health = createHealth({
      isReady: () => options.postern.isReady(),
      isDraining: () => this.#isDraining,
    })
    this.#silent = new SilentSockets({
      silenceTimeoutMs: limits.silenceTimeoutMs,
      afterFirstByteMs: limits.headersTimeoutMs + 2 * limits.checkIntervalMs,
    })
    this.#server = createNodeServer(limits, options.tls)
      // The one that a request will have: before it, a handshake has a time limit of its own.
      .on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => this.#silent.watch(socket))
      .on('request', (request, response) => this.#answer(request, response))
      .on('checkContinue', (request, response) => this.#answerExpecting(request, response))
      .on('clientError', (error: NodeJS.ErrnoException, socket) => {
        // Both kinds of server have sockets, and none has another stream.
        this.#answerMalformed(error, socket as Socket)
      })
  }

  /** Rejects where the address is taken. */
  listen({ host, port }: Address): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port, ...(host !== undefined && { host }) }, () => {
        this.#server.off('error', reject)
        // Not a string: that is what a listener on a pipe has.
        resolve(this.#server.address() as AddressInfo)
      })
    })
  }

  /** Uses another certificate for the connections that come from now on. */
  renew(options: SecureContextOptions): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(options)
  }

  /** Takes no more connections and waits until every request has its answer, or cuts them off. */
  async drain({ announceMs, graceMs }: DrainTimes): Promise<void> {
    this.#isDraining = true
    if (!this.#server.listening) return
    for (const response of this.#inFlight) announceClose(response)
    if (announceMs > 0 && (await this.#hasConnections())) await pause(announceMs)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    // `close` ends idle connections once; one that answers its last request later would stay until its sender leaves.
    const sweep = setInterval(() => this.#server.closeIdleConnections(), SWEEP_MS)
    const deadline = setTimeout(() => this.#server.closeAllConnections(), graceMs)
    await closed
    clearInterval(sweep)
    clearTimeout(deadline)
  }

  #hasConnections(): Promise<boolean> {
    return new Promise((resolve) => this.#server.getConnections((_error, count) => resolve(count > 0)))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#silent.forget(request.socket)
    this.#inFlight.add(response)
    this.#answering.set(request.socket, response)
    response.once('close', () => this.#inFlight.delete(response))
    if (this.#isDraining) announceClose(response)
    if (this.#health(request, response, pathOf(request))) return
    void this.#options.postern.node(request, response)
  }

  /** The sender waits for a word before it sends its body: it gets one only where the body would be read. */
  #answerExpecting(request: IncomingMessage, response: ServerResponse): void {
    const maxBodyBytes = request.method === 'POST' ? this.#options.maxBodyBytesAt(pathOf(request)) : undefined
    const isWelcome =
      maxBodyBytes !== undefined && Number(request.headers['content-length'] ?? 0) <= maxBodyBytes
    if (isWelcome) response.writeContinue()
    // Whether the body still comes after a final answer is the sender's choice, so that the next request cannot be told from it.
    else announceClose(response)
    this.#answer(request, response)
  }

  #answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
    const isAnswered = this.#isAnswering(socket)
    // A handshake that failed comes here as well, and there is no HTTP to answer it in.
    const isHttp = /^(?:HPE_|ERR_HTTP_)/.test(error.code ?? '')
    if (!isHttp || !socket.writable || isAnswered) return void socket.destroy()
    const status = STATUS_OF[error.code ?? ''] ?? 400
    const body = JSON.stringify({ error: STATUS_CODES[status] })
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  }

  /** Whether an answer has been started whose request or self has not come to its end: a second one would be read as the next request's. */
  #isAnswering(socket: Socket): boolean {
    const response = this.#answering.get(socket)
    return (
      response !== undefined && response.headersSent && !(response.writableFinished && response.req.complete)
    )
  }
}

const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
}

function createNodeServer(limits: HttpLimits, tls: SecureContextOptions | undefined): Server | TlsServer {
  const options = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: limits.maxHeaderBytes,
  }
  const server =
    tls === undefined
      ? createServer(options)
      : createTlsServer({ ...options, ...tls, handshakeTimeout: limits.silenceTimeoutMs })
  server.maxConnections = limits.maxConnections
  return server
}

function announceClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}

function pathOf(request: IncomingMessage): string {
  const url = originForm(request.url ?? '') ?? ''
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}
