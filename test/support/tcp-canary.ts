import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'

/** A listener that only counts who comes. */
export class TcpCanary {
  readonly #server: Server
  connections = 0

  private constructor() {
    this.#server = createServer((socket) => {
      this.connections += 1
      socket.on('error', () => {}).destroy()
    })
  }

  static async listen(host: string, port = 0): Promise<TcpCanary> {
    const canary = new TcpCanary()
    await new Promise<void>((resolve, reject) => {
      canary.#server.once('error', reject).listen({ host, port, ipv6Only: true }, resolve)
    })
    return canary
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}
