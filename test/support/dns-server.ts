import { createSocket, type Socket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'

/** A name server that answers every question for an address with what the next call of a function says. */
export class DnsServer {
  readonly #socket: Socket = createSocket('udp4')
  questions = 0

  static async listen(addresses: () => readonly string[]): Promise<DnsServer> {
    const server = new DnsServer()
    server.#socket.on('message', (question, { port, address }) => {
      server.questions += 1
      server.#socket.send(answerTo(question, addresses()), port, address)
    })
    await new Promise<void>((resolve) => server.#socket.bind(0, '127.0.0.1', resolve))
    return server
  }

  /** Asks this server, anew each time. */
  resolver(): (host: string) => Promise<readonly string[]> {
    const resolver = new Resolver()
    resolver.setServers([`127.0.0.1:${this.#socket.address().port}`])
    return (host) => resolver.resolve4(host)
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(resolve))
  }
}

/** RFC 1035 §4: the question again, then a record of type A with no time to live for each address. */
function answerTo(question: Buffer, addresses: readonly string[]): Buffer {
  const header = Buffer.from(question.subarray(0, 12))
  header.writeUInt16BE(0x8180, 2)
  header.writeUInt16BE(addresses.length, 6)
  header.writeUInt16BE(0, 8)
  header.writeUInt16BE(0, 10)
  const nameEnd = question.indexOf(0, 12) + 1
  const records = addresses.map((address) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]),
  )
  return Buffer.concat([header, question.subarray(12, nameEnd + 4), ...records])
}
