import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** One HTTP answer as it came over the wire. */
export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Nothing on one machine takes this long: an answer that has not come by then will not come. */
const PATIENCE_MS = 10_000

/** A connection that sends exactly the bytes it is given, reads whole answers, and sees the close. */
export class RawConnection {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #isClosed = false
  #changed: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#changed()
    })
    // A reset is one of the ways to close.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#changed()
    })
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ port, host: '127.0.0.1' })
    const connection = new RawConnection(socket)
    await once(socket, 'connect')
    return connection
  }

  /** Fulfils once the bytes are with the kernel. */
  send(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()))
  }

  /** The next whole answer. */
  async answer(): Promise<Answer> {
    for (;;) {
      const parsed = parseAnswer(this.#received, this.#isClosed)
      if (parsed !== undefined) {
        this.#received = this.#received.subarray(parsed.length)
        return parsed.answer
      }
      if (this.#isClosed) throw new Error(`closed after ${JSON.stringify(this.#received.toString('latin1'))}`)
      await this.#change()
    }
  }

  /** Fulfils with whatever was not read as an answer, once the connection is closed. */
  async closed(): Promise<Buffer> {
    while (!this.#isClosed) await this.#change()
    return this.#received
  }

  /** Says that nothing more will be sent. */
  finish(): void {
    this.#socket.end()
  }

  /** Goes away without a word, as a client that crashed; fulfils once it is gone. */
  async vanish(): Promise<void> {
    this.#socket.resetAndDestroy()
    await this.closed()
  }

  close(): void {
    this.#socket.destroy()
  }

  #change(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const soFar = JSON.stringify(this.#received.toString('latin1').slice(0, 500))
        reject(new Error(`nothing more came for ${PATIENCE_MS} ms after ${soFar}`))
      }, PATIENCE_MS)
      this.#changed = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Sends bytes on a connection of their own and reads the one answer. */
export async function exchange(port: number, bytes: Uint8Array | string): Promise<Answer> {
  const connection = await RawConnection.open(port)
  try {
    await connection.send(bytes)
    return await connection.answer()
  } finally {
    connection.close()
  }
}

function parseAnswer(
  bytes: Buffer,
  isAll: boolean,
): { readonly answer: Answer; readonly length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1])
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    }),
  )
  const start = headEnd + 4
  if (headers.get('transfer-encoding') === 'chunked') throw new Error('no answer of the inbox is chunked')
  const hasLength = headers.has('content-length') || status === 100
  if (!hasLength && !isAll) return undefined
  const end = hasLength ? start + Number(headers.get('content-length') ?? 0) : bytes.byteLength
  if (bytes.byteLength < end) return undefined
  return { answer: { status, headers, body: bytes.toString('utf8', start, end) }, length: end }
}
