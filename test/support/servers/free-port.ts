import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below what the kernels give to outgoing connections and to whoever listens on port 0 (Linux from 32768, macOS from
 * 49152): a server that is started again finds its port as it left it.
 */
const [LOWEST, HIGHEST] = [12_000, 32_000]

/** Two who asked at once could be given the same one, since it is nobody's until they listen. */
const given = new Set<number>()

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  return freePorts([0])
}

/**
 * The lowest of several ports that nobody listens on. @param offsets How far each is from it, as of a node of a Redis
 * cluster, which talks to its peers 10,000 ports above its own.
 */
export async function freePorts(offsets: readonly number[]): Promise<number> {
  for (;;) {
    const lowest = randomInt(LOWEST, HIGHEST - Math.max(...offsets))
    const ports = offsets.map((offset) => lowest + offset)
    if (ports.some((port) => given.has(port))) continue
    for (const port of ports) given.add(port)
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return lowest
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  await new Promise((resolve) => server.close(resolve))
  return true
}
