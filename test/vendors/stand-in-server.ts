import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request at a stand-in, as it came. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

/** What a stand-in answers. */
export interface Told {
  readonly status: number
  /** As JSON, or as it stands where it is a text. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Something that goes wrong the next time that it is asked this. */
export interface Fault {
  readonly method?: string
  readonly path?: RegExp
  readonly times?: number
  /** Before the request is carried out, or after it, with its answer lost. */
  readonly when: 'before' | 'after'
  readonly does: (response: ServerResponse) => void
}

/** A real HTTP server on 127.0.0.1, with faults on demand. */
export abstract class StandIn {
  readonly asked: Asked[] = []
  readonly #server: Server
  readonly #faults: (Fault & { left: number })[] = []

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  fault(fault: Fault): void {
    this.#faults.push({ ...fault, left: fault.times ?? 1 })
  }

  protected abstract answer(asked: Asked): Promise<Told> | Told

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await read(request)
    this.asked.push(asked)
    const fault = this.#nextFault(asked)
    if (fault?.when === 'before') return fault.does(response)
    const told = await this.answer(asked)
    if (fault !== undefined) return fault.does(response)
    const isText = typeof told.body === 'string'
    response
      .writeHead(told.status, { 'content-type': isText ? 'text/plain' : 'application/json', ...told.headers })
      .end(isText ? told.body : JSON.stringify(told.body))
  }

  #nextFault({ method, path }: Asked): Fault | undefined {
    const fault = this.#faults.find(
      (each) => each.left > 0 && (each.method ?? method) === method && (each.path?.test(path) ?? true),
    )
    if (fault !== undefined) fault.left -= 1
    return fault
  }
}

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  const url = new URL(request.url ?? '', 'http://stand-in')
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}
