import { custom } from '../../packages/postern/src/providers/index.ts'
import type { Source } from '../../packages/postern/src/core/index.ts'
import type { DatabaseSettings } from './database.ts'
import { Random } from './random.ts'

/** How one call of a handler goes. */
export type Act =
  | 'succeeds'
  | 'takes a while'
  | 'throws'
  | 'rejects later'
  | 'hangs'
  | 'heeds its signal'
  | 'overruns'
  | 'asks to come later'
  | 'gives up'
  | 'writes what cannot be written'

export const SOURCE_NAMES = ['plain', 'ordered', 'handled', 'handled-ordered'] as const
export type SourceName = (typeof SOURCE_NAMES)[number]

/** An event as its sender knows it. */
export interface SentEvent {
  readonly source: SourceName
  readonly id: string
  /** For logs: the id, and which of the events with that id it is. */
  readonly label: string
  readonly key: string
  readonly body: string
  /** Nothing handles it. */
  readonly isIgnored: boolean
  readonly isForged: boolean
  readonly isStale: boolean
  readonly firstMs: number
  /** When further copies are sent, without waiting for an answer. */
  readonly copiesMs: readonly number[]
  /** How the calls of each destination go, one after another; the last one again and again. */
  readonly acts: Readonly<Record<string, readonly Act[]>>
}

/** What goes wrong in a process, and when. */
export interface Mishap {
  readonly kind: 'crash' | 'halt' | 'stop' | 'store crash' | 'clock step'
  readonly atMs: number
  readonly node: number
  /** How long it is down or halted, or by how much the clock jumps. */
  readonly forMs: number
}

export interface OperatorStep {
  readonly kind: 'redrive' | 'force' | 'discard' | 'cancel' | 'replay'
  readonly atMs: number
  readonly draw: number
}

/** Everything that a seed decides beforehand. */
export interface Scenario {
  readonly nodes: number
  readonly leaseMs: number
  readonly handlerTimeoutMs: number
  readonly concurrency: number
  readonly attempts: number
  readonly retentionMs: number
  readonly graceMs: number
  readonly onDead: 'block' | 'continue'
  readonly onConflict: 'hold' | 'dispatch'
  /** How far each node's wall clock is off. */
  readonly skewsMs: readonly number[]
  readonly database: DatabaseSettings
  readonly events: readonly SentEvent[]
  readonly mishaps: readonly Mishap[]
  readonly steps: readonly OperatorStep[]
}

/** Until then events come and things go wrong; afterwards everything has to come to rest. */
export const HORIZON_MS = 25_000
const BURST_EVERY_MS = 2500
export const DESTINATIONS = ['handlers', 'audit'] as const

const CALM = { done: 100, fails: 0, unknown: 0, slow: 0 }
const FAULTY = { done: 88, fails: 4, unknown: 5, slow: 3 }
const ACTS: Readonly<Record<Act, number>> = {
  succeeds: 50,
  'takes a while': 15,
  throws: 8,
  'rejects later': 6,
  hangs: 3,
  'heeds its signal': 3,
  overruns: 3,
  'asks to come later': 4,
  'gives up': 4,
  'writes what cannot be written': 4,
}

/** The scenario of a seed. */
export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed)
  const nodes = random.pick([1, 1, 1, 2, 2, 3])
  const isFaulty = random.chance(0.35)
  return {
    nodes,
    leaseMs: random.pick([6000, 10_000]),
    handlerTimeoutMs: random.pick([2000, 8000, 20_000]),
    concurrency: random.pick([1, 1, 2, 4]),
    attempts: random.pick([2, 3, 4]),
    retentionMs: random.pick([30_000, 2_592_000_000]),
    graceMs: random.pick([300, 3000, 10_000]),
    onDead: random.pick(['block', 'continue']),
    onConflict: random.pick(['hold', 'dispatch']),
    skewsMs: Array.from({ length: nodes }, () => (random.chance(0.2) ? random.whole(-120_000, 120_000) : 0)),
    database: {
      fates: isFaulty ? FAULTY : CALM,
      fsyncMs: { from: 0.5, to: random.pick([3, 30]) },
    },
    events: eventsOf(random),
    mishaps: mishapsOf(random, nodes),
    steps: stepsOf(random),
  }
}

function eventsOf(random: Random): SentEvent[] {
  const events: SentEvent[] = []
  const count = random.whole(3, 14)
  for (let number = 1; number <= count; number += 1) {
    const earlier = random.chance(0.15) ? random.pick(events.length > 0 ? events : [undefined]) : undefined
    events.push(eventOf(random, number, earlier))
  }
  return events
}

/** A new event, or one with the id of an earlier one and another body: a conflict. */
function eventOf(random: Random, number: number, earlier: SentEvent | undefined): SentEvent {
  const source = earlier?.source ?? random.pick(SOURCE_NAMES)
  const isForged = random.chance(0.04)
  const isStale = !isForged && random.chance(0.03)
  const isIgnored = random.chance(0.06)
  const id = isForged || isStale ? `refused-${number}` : (earlier?.id ?? `event-${number}`)
  const key = random.pick(['north', 'north', 'south'])
  // Bursts, so that copies and keys meet.
  const firstMs =
    earlier === undefined
      ? random.whole(0, 8) * BURST_EVERY_MS + random.next() * 40
      : earlier.firstMs + random.next() * 3000
  const copies = random.chance(0.35) ? random.whole(1, 3) : 0
  return {
    source,
    id,
    label: `${source} ${id}#${number}`,
    key,
    body: JSON.stringify({ id, type: isIgnored ? 'ignored' : 'changed', key, number }),
    isIgnored,
    isForged,
    isStale,
    firstMs,
    copiesMs: Array.from({ length: copies }, () => firstMs + random.next() * random.pick([3, 60, 6000])),
    acts: { handlers: actsOf(random), audit: actsOf(random) },
  }
}

function actsOf(random: Random): Act[] {
  if (random.chance(0.06)) return ['throws']
  if (random.chance(0.02)) return ['hangs']
  if (random.chance(0.5)) return ['succeeds']
  return [...Array.from({ length: random.whole(1, 3) }, () => random.weighted(ACTS)), 'succeeds']
}

function mishapsOf(random: Random, nodes: number): Mishap[] {
  if (random.chance(0.2)) return []
  return Array.from({ length: random.whole(1, 3) }, () => {
    const kind = random.weighted({ crash: 35, halt: 15, stop: 25, 'store crash': 20, 'clock step': 5 })
    const forMs = {
      crash: random.whole(50, 9000),
      halt: random.whole(100, 14_000),
      stop: random.whole(50, 4000),
      'store crash': random.whole(20, 3000),
      'clock step': random.whole(-20_000, 60_000),
    }[kind]
    // Half of them in the middle of a burst, where requests are under way.
    const burstMs = random.whole(0, 8) * BURST_EVERY_MS + random.next() * 60
    const atMs = random.chance(0.5) ? burstMs : random.next() * HORIZON_MS
    return { kind, atMs, node: random.whole(0, nodes - 1), forMs }
  })
}

function stepsOf(random: Random): OperatorStep[] {
  const count = random.chance(0.5) ? random.whole(1, 8) : 0
  return Array.from({ length: count }, () => ({
    kind: random.weighted({ redrive: 55, force: 5, discard: 10, cancel: 10, replay: 20 }),
    atMs: random.next() * HORIZON_MS,
    draw: random.next(),
  }))
}

const made = new Map<string, Source>()

/** A configured source; made once for all seeds. */
export function sourceOf(name: SourceName, { onDead, onConflict }: Scenario): Source {
  const label = `${name} ${onDead} ${onConflict}`
  const source = made.get(label) ?? makeSource(name, onDead, onConflict)
  made.set(label, source)
  return source
}

function makeSource(
  name: SourceName,
  onDead: Scenario['onDead'],
  onConflict: Scenario['onConflict'],
): Source {
  return custom({
    name,
    secret: `a secret of sixteen bytes or more for ${name}`,
    scheme: {
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
      timestamp: { in: { header: 'x-timestamp' }, unit: 'seconds' },
      content: ['timestamp', { literal: '.' }, 'body'],
    },
    envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
    ack: isHandled(name) ? 'handled' : 'stored',
    onConflict,
    ...(isOrdered(name) && { orderBy: { json: ['key'] }, onDead }),
  })
}

export function isHandled(name: string): boolean {
  return name.startsWith('handled')
}

export function isOrdered(name: string): boolean {
  return name.includes('ordered')
}
