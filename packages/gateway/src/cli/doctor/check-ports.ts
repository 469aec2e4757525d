import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Address } from '../../config/address.ts'
import { httpUrl, listenMessage } from '../listen-message.ts'
import type { Settings } from '../settings.ts'
import { fail, ok, type Finding } from './finding.ts'

const ASK_TIMEOUT_MS = 2000

/** Whether the gateway could listen where it is told to; one that runs there already is well. */
export async function checkPorts({
  listen,
  admin,
}: Pick<Settings, 'admin' | 'listen'>): Promise<readonly Finding[]> {
  const failure = await listenFailure(listen)
  const isRunning = failure !== undefined && (await isGateway(listen))
  const port =
    failure === undefined ? ok('PORT', `${listen.port} is free`) : taken('PORT', listen, failure, isRunning)
  if (admin === undefined) return [port, ok('POSTERN_ADMIN', 'is not set: there is no admin API')]
  const { address } = admin
  const adminFailure = await listenFailure(address)
  if (adminFailure !== undefined) return [port, taken('POSTERN_ADMIN', address, adminFailure, isRunning)]
  return [port, ok('POSTERN_ADMIN', `${address.host}:${address.port} is free`)]
}

function taken(
  subject: 'PORT' | 'POSTERN_ADMIN',
  address: Address,
  failure: Error,
  isRunning: boolean,
): Finding {
  const isTaken = (failure as NodeJS.ErrnoException).code === 'EADDRINUSE'
  if (isTaken && isRunning) return ok(subject, `a gateway runs already, and port ${address.port} is taken`)
  return fail(subject, listenMessage(failure, address, subject))
}

async function listenFailure({ host, port }: Address): Promise<Error | undefined> {
  const server = createServer()
  try {
    await once(server.listen({ port, ...(host !== undefined && { host }) }), 'listening')
  } catch (error) {
    // `listen` emits nothing else.
    return error as Error
  }
  await new Promise((resolve) => server.close(resolve))
  return undefined
}

async function isGateway({ host, port }: Address): Promise<boolean> {
  try {
    const answer = await fetch(`${httpUrl(host, port)}/healthz`, {
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    })
    return (await answer.text()) === '{"status":"ok"}'
  } catch {
    return false
  }
}
