import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A server on 127.0.0.1 that does to each connection what a function says, once a request's head and body have come. */
export class ScriptedTarget {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  connections = 0
  requests = 0
  /** Connections that have come to an end. */
  closed = 0

  private constructor(behave: (socket: Socket, request: string) => void) {
    this.#server = createServer((socket) => {
      this.connections += 1
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#forget(socket))
      let text = ''
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        const length = /content-length: (\d+)\r\n/i.exec(text)?.[1]
        const head = text.indexOf('\r\n\r\n')
        if (head < 0 || text.length < head + 4 + Number(length ?? 0)) return
        this.requests += 1
        const request = text
        text = ''
        behave(socket, request)
      })
    })
  }

  static async listen(behave: (socket: Socket, request: string) => void): Promise<ScriptedTarget> {
    const target = new ScriptedTarget(behave)
    await new Promise<void>((resolve) => target.#server.listen(0, '127.0.0.1', resolve))
    return target
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`
  }

  #forget(socket: Socket): void {
    this.#sockets.delete(socket)
    this.closed += 1
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** A whole answer. */
export function answer(status: number, body = '', headers: readonly string[] = []): string {
  const lines = [`HTTP/1.1 ${status} Text`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
