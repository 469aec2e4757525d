import { lookup } from 'node:dns/promises'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { isGlobal, type Networks } from './networks.ts'

/** The addresses of a name, at least one. Rejects where it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>

/** Where a connection goes. */
export interface Endpoint {
  readonly isTls: boolean
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
}

export interface GuardOptions {
  /** Networks beside the public internet; a connection without TLS goes nowhere else. */
  readonly allowNetworks: Networks
  /** For name, connection and TLS together. */
  readonly timeoutMs: number
  readonly resolve?: Resolve
  /** In PEM; replaces the system's authorities. */
  readonly ca?: string
}

/** The address is one that this destination must not reach. Nothing was sent. */
export class AddressRefusedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'AddressRefusedError'
  }
}

/** Of the addresses of a name that many are tried. */
const MOST_ADDRESSES = 3

/**
 * Connects to an endpoint, if every address of its name may be reached: the name is resolved once, and the connection made to
 * an address that was looked at. A check in Node's `lookup` option would never see a literal (T45), and one before the
 * connection would see another answer than the connection gets (T46). Environment proxies are not looked at.
 */
export async function guardedConnect(endpoint: Endpoint, options: GuardOptions): Promise<Socket> {
  const deadlineMs = performance.now() + options.timeoutMs
  const { host } = endpoint
  const addresses = isIP(host) === 0 ? await resolved(host, options) : [host]
  assertAllowed(addresses, endpoint, options.allowNetworks)
  const tried = addresses.slice(0, MOST_ADDRESSES)
  let failure: unknown
  for (const [index, address] of tried.entries()) {
    // A dead first address must leave time for the next one.
    const timeoutMs = (deadlineMs - performance.now()) / (tried.length - index)
    if (timeoutMs <= 0) break
    try {
      return await connectTo(address, endpoint, { ...options, timeoutMs })
    } catch (error) {
      failure = error
    }
  }
  throw failure ?? new Error(`no connection to ${host} within ${options.timeoutMs} ms`)
}

/** Every address, also where one would do: a name that stands inside and outside at once is a mistake or an attack. */
function assertAllowed(addresses: readonly string[], { host, isTls }: Endpoint, allowed: Networks): void {
  for (const address of addresses) {
    if (allowed.has(address)) continue
    const shown = address === host ? host : `${host} (${address})`
    if (!isGlobal(address))
      throw new AddressRefusedError(`${shown} is not on the public internet, nor in allowNetworks`)
    if (!isTls) throw new AddressRefusedError(`${shown} would be sent to without TLS; use https`)
  }
}

async function resolved(
  host: string,
  { resolve = resolveBySystem, timeoutMs }: GuardOptions,
): Promise<readonly string[]> {
  const addresses = await within(timeoutMs, resolve(host), `the name ${host} was not resolved in time`)
  if (addresses.length === 0) throw new Error(`the name ${host} has no address`)
  return addresses
}

/** As the system does: /etc/hosts and search domains count, which c-ares' own queries would not look at. */
async function resolveBySystem(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, verbatim: true })
  return found.map(({ address }) => address)
}

async function connectTo(address: string, endpoint: Endpoint, options: GuardOptions): Promise<Socket> {
  const opened: Socket[] = []
  const keep = <S extends Socket>(socket: S): S => {
    opened.push(socket)
    // For what fails after it was given up: an error that nobody listens to ends the process.
    return socket.on('error', () => {})
  }
  try {
    return await within(
      options.timeoutMs,
      open(address, endpoint, options, keep),
      `no connection to ${endpoint.host} in time`,
    )
  } catch (error) {
    for (const socket of opened) socket.destroy()
    throw error
  }
}

type Keep = <S extends Socket>(socket: S) => S

async function open(address: string, endpoint: Endpoint, options: GuardOptions, keep: Keep): Promise<Socket> {
  const socket = keep(connectTcp({ host: address, port: endpoint.port, noDelay: true }))
  await happens(socket, 'connect')
  // What the kernel says it is connected to, whatever we asked it for.
  assertAllowed([socket.remoteAddress ?? ''], endpoint, options.allowNetworks)
  if (!endpoint.isTls) return socket
  const secured = keep(secure(socket, endpoint.host, options.ca))
  await happens(secured, 'secureConnect')
  return secured
}

function secure(socket: Socket, host: string, ca: string | undefined): TLSSocket {
  return connectTls({
    socket,
    // The certificate is held against it; SNI knows no addresses.
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ['http/1.1'],
    // Said in full: NODE_TLS_REJECT_UNAUTHORIZED must not turn it off.
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca }),
  })
}

function happens(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(error)
    const onClose = (): void => reject(new Error('the connection was closed while it was made'))
    socket.once('error', onError).once('close', onClose)
    socket.once(event, () => {
      socket.off('error', onError).off('close', onClose)
      resolve()
    })
  })
}

function within<T>(ms: number, work: Promise<T>, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(message)), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
