import type { CliContext } from '../context.ts'
import { EXIT } from '../exit-code.ts'
import { UsageError } from '../usage-error.ts'
import { adminClient, type AdminClient } from './admin-client.ts'
import { withNextStep, type Step } from './next-step.ts'
import { printJson, printTable, type OutputFlags } from './print.ts'

export interface DeadFlags extends OutputFlags {
  readonly limit: number
}

export interface MoveFlags extends OutputFlags {
  /** Of a redrive: also where it runs out of order. */
  readonly force?: boolean
}

/** As the API lists them; handlers in the process have no origin and no state. */
interface ListedDestination {
  readonly name: string
  readonly origin?: string
  readonly state?: string
  readonly inFlight?: number
  readonly pending: number
  readonly dead: number
  readonly oldestPendingMs?: number
}

interface ListedDelivery {
  readonly deliverySeq: number
  readonly eventSeq: number
  readonly destination: string
  readonly attempt: number
  readonly error?: string
}

/** What one call moved, and what the next one asks for. */
interface Moved {
  readonly moved: number
  readonly left: number
  readonly next?: { readonly after?: number; readonly before?: number }
}

const MS_PER_SECOND = 1000

/** `postern destinations` */
export async function destinations({ json }: OutputFlags, context: CliContext): Promise<number> {
  const body = (await adminClient(context).get('/api/destinations')) as {
    readonly destinations: readonly ListedDestination[]
  }
  if (json === true) return printJson(body, context)
  const rows = body.destinations.map((each) => [
    each.name,
    each.state ?? '-',
    String(each.pending),
    each.inFlight === undefined ? '-' : String(each.inFlight),
    String(each.dead),
    each.oldestPendingMs === undefined ? '-' : `${Math.round(each.oldestPendingMs / MS_PER_SECOND)} s`,
    each.origin ?? 'handlers in the process',
  ])
  return printTable([['NAME', 'STATE', 'PENDING', 'SENDING', 'DEAD', 'OLDEST', 'TO'], ...rows], context)
}

/** `postern pause` and `postern resume` */
export async function setPaused(
  name: string,
  isPaused: boolean,
  { json }: OutputFlags,
  context: CliContext,
): Promise<number> {
  assertName(name)
  const body = await adminClient(context).post(`/api/destinations/${name}/${isPaused ? 'pause' : 'resume'}`)
  if (json === true) return printJson(body, context)
  const told = isPaused
    ? `${name} is paused on every node; its events are kept until: postern resume ${name}`
    : `${name} is resumed`
  context.stdout.write(`${told}\n`)
  return EXIT.ok
}

/** `postern dead` */
export async function dead(
  destination: string | undefined,
  { json, limit }: DeadFlags,
  context: CliContext,
): Promise<number> {
  if (destination !== undefined) assertName(destination)
  const query = new URLSearchParams({
    state: 'dead',
    limit: String(limit),
    ...(destination && { destination }),
  })
  const body = (await adminClient(context).get(`/api/deliveries?${query.toString()}`)) as {
    readonly deliveries: readonly ListedDelivery[]
  }
  if (json === true) return printJson(body, context)
  const rows = body.deliveries.map(({ deliverySeq, eventSeq, destination: name, attempt, error = '' }) => [
    String(deliverySeq),
    String(eventSeq),
    name,
    String(attempt),
    error,
  ])
  return printTable([['DELIVERY', 'EVENT', 'DESTINATION', 'TRIES', 'ERROR'], ...rows], context)
}

const DONE: Readonly<Record<Step, string>> = {
  redrive: 'pending again',
  cancel: 'cancelled',
  discard: 'discarded',
}

/** What a step is for, of a whole destination. */
const MEANT_FOR: Readonly<Record<Step, string>> = { redrive: 'dead', cancel: 'pending', discard: 'dead' }

/** Why some of a destination were left; others were moved by somebody else meanwhile. */
const LEFT_OF: Readonly<Partial<Record<Step, string>>> = {
  redrive: ', since later ones of their key have run; with --force they run out of order',
}

/** Moves one delivery by its number, or all that a destination has in the state that the step is for. */
export async function move(
  which: string,
  step: Step,
  { json, force = false }: MoveFlags,
  context: CliContext,
): Promise<number> {
  const client = adminClient(context)
  const query = new URLSearchParams(force ? { force: 'true' } : {})
  if (/^\d{1,15}$/.test(which)) {
    const body = await client
      .post(`/api/deliveries/${which}/${step}?${query.toString()}`)
      .catch((error: unknown) => {
        throw withNextStep(error, which, step)
      })
    if (json === true) return printJson(body, context)
    context.stdout.write(`delivery ${which} is ${DONE[step]}\n`)
    return EXIT.ok
  }
  assertName(which)
  const sum = await moveAll(`/api/destinations/${which}/${step}`, query, client)
  if (json === true) printJson(sum, context)
  else context.stdout.write(`${toldOfAll(which, step, sum)}\n`)
  return sum.left === 0 ? EXIT.ok : EXIT.failed
}

function toldOfAll(name: string, step: Step, { moved, left }: Omit<Moved, 'next'>): string {
  if (moved + left === 0) return `nothing of ${name} is ${MEANT_FOR[step]}`
  const overtaken = left === 0 ? '' : `; ${left} could not be${LEFT_OF[step] ?? ''}`
  return `${moved} of ${name} ${moved === 1 ? 'is' : 'are'} ${DONE[step]}${overtaken}`
}

async function moveAll(
  path: string,
  query: URLSearchParams,
  client: AdminClient,
): Promise<Omit<Moved, 'next'>> {
  const sum = { moved: 0, left: 0 }
  let next: Moved['next'] = {}
  do {
    for (const [name, value] of Object.entries(next)) query.set(name, String(value))
    const batch = (await client.post(`${path}?${query.toString()}`)) as Moved
    sum.moved += batch.moved
    sum.left += batch.left
    next = batch.next
  } while (next !== undefined)
  return sum
}

export function assertName(name: string): void {
  if (!/^[a-z0-9_-]{1,64}$/.test(name))
    throw new UsageError(`'${name.slice(0, 64)}' is no destination's name; postern destinations lists them`)
}
