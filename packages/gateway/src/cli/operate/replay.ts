import type { CliContext } from '../context.ts'
import { EXIT } from '../exit-code.ts'
import { UsageError } from '../usage-error.ts'
import { adminClient } from './admin-client.ts'
import { assertName } from './operate.ts'
import { printJson, type OutputFlags } from './print.ts'

export interface ReplayFlags extends OutputFlags {
  readonly destination: readonly string[]
}

interface Replayed {
  readonly deliveries: readonly { readonly deliverySeq: number; readonly destination: string }[]
}

/** `postern replay` */
export async function replay(
  eventSeq: string,
  { json, destination }: ReplayFlags,
  context: CliContext,
): Promise<number> {
  if (!/^\d{1,15}$/.test(eventSeq))
    throw new UsageError('Which event? Give its number; postern events lists them')
  for (const name of destination) assertName(name)
  const query = new URLSearchParams(destination.map((name): [string, string] => ['destination', name]))
  const body = (await adminClient(context).post(
    `/api/events/${eventSeq}/replay?${query.toString()}`,
  )) as Replayed
  if (json === true) return printJson(body, context)
  for (const { deliverySeq, destination: name } of body.deliveries)
    context.stdout.write(`event ${eventSeq} is due again at ${name}: delivery ${deliverySeq}\n`)
  return EXIT.ok
}
