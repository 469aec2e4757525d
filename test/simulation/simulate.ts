import { createHash } from 'node:crypto'
import { sign } from '../../packages/postern/src/core/index.ts'
import type { PutResult } from '../../packages/postern/src/inbox/index.ts'
import type { Handler } from '../../packages/postern/src/worker/index.ts'
import { StoreClient } from './client.ts'
import { Database, type DatabaseSettings } from './database.ts'
import type { Product, SimulatedEffect } from './image.ts'
import { Process, type ProcessHooks, type World } from './node.ts'
import { effectRow, Oracle, type Run } from './oracle.ts'
import { Random } from './random.ts'
import {
  HORIZON_MS,
  scenarioOf,
  sourceOf,
  type Act,
  type Mishap,
  type OperatorStep,
  type Scenario,
  type SentEvent,
} from './scenario.ts'
import { VirtualTime, type Owner } from './virtual-time.ts'

export interface Outcome {
  readonly seed: number
  readonly violations: readonly string[]
  /** Of everything that happened, so that two runs can be compared. */
  readonly digest: string
  readonly events: readonly string[]
  readonly counts: Readonly<Record<Count, number>>
}

/** What shows that the simulation reaches what it is there for. */
export type Count =
  | 'answers200'
  | 'answers503'
  | 'unacknowledgedStored'
  | 'duplicates'
  | 'conflicts'
  | 'runs'
  | 'staleRuns'
  | 'lost'
  | 'dead'
  | 'crashes'
  | 'storeCrashes'
  | 'stops'
  | 'halts'
  | 'moves'
  | 'tasks'

/** A planted bug that lies in the store. */
export type StoreBug = Pick<DatabaseSettings, 'answersEarly' | 'dedupesEarly'>

/** The inbox's clocks begin here; any instant would do. */
const EPOCH_MS = 1_760_000_000_000
const TICK_MS = 250
/**
 * Nothing may keep the system from coming to rest for longer, once nothing goes wrong any more: three deliveries of one event in
 * line, whose handler hangs for all four attempts, are 240 s and their retries.
 */
const REST_WITHIN_MS = 300_000
const SENDER_WAITS_MS = 10_000
const MOST_TRIES = 7

/** Runs one seed from its first request to its rest. */
export async function simulate(seed: number, source: Product, bug: StoreBug = {}): Promise<Outcome> {
  const simulation = new Simulation(seed, source, bug)
  return simulation.run()
}

class Simulation {
  readonly #seed: number
  readonly #random: Random
  readonly #scenario: Scenario
  readonly #time: VirtualTime
  readonly #database: Database
  readonly #oracle: Oracle
  readonly #world: World
  readonly #outside: Owner
  readonly #processes: (Process | undefined)[] = []
  readonly #events: string[] = []
  readonly #counts: Record<Count, number>
  readonly #wallOffsetsMs: number[]
  #sendersBusy = 0
  #isOver = false
  #restSinceMs: number | undefined

  constructor(seed: number, source: Product, bug: StoreBug) {
    this.#seed = seed
    this.#scenario = scenarioOf(seed)
    this.#random = new Random(seed ^ 0x55555555)
    const draw = new Random(seed ^ 0x33333333)
    this.#time = new VirtualTime(
      () => draw.next(),
      (error) => this.#oracle.broken(`a throw escaped: ${String(error)}`),
    )
    this.#outside = this.#time.owner('outside')
    const settings = { ...this.#scenario.database, ...bug }
    const log = (line: string): void => this.#log(line)
    const faults = new Random(seed ^ 0x0f0f0f0f)
    this.#database = new Database(source, this.#time, faults, settings, log, (logged) =>
      this.#oracle.durable(logged),
    )
    this.#database.offsetMs = EPOCH_MS
    this.#oracle = new Oracle(this.#time, this.#database, this.#scenario)
    this.#wallOffsetsMs = this.#scenario.skewsMs.map((skewMs) => EPOCH_MS + skewMs)
    this.#world = {
      product: source,
      time: this.#time,
      database: this.#database,
      scenario: this.#scenario,
      wallMs: (node) => this.#time.nowMs + (this.#wallOffsetsMs[node] ?? EPOCH_MS),
    }
    this.#counts = {
      answers200: 0,
      answers503: 0,
      unacknowledgedStored: 0,
      duplicates: 0,
      conflicts: 0,
      runs: 0,
      staleRuns: 0,
      lost: 0,
      dead: 0,
      crashes: 0,
      storeCrashes: 0,
      stops: 0,
      halts: 0,
      moves: 0,
      tasks: 0,
    }
  }

  async run(): Promise<Outcome> {
    const onRejection = (error: unknown): void => this.#oracle.broken(`a rejection escaped: ${String(error)}`)
    process.prependListener('unhandledRejection', onRejection)
    try {
      this.#begin()
      await this.#time.run(() => this.#isOver)
    } finally {
      process.removeListener('unhandledRejection', onRejection)
    }
    if (!this.#isOver) this.#oracle.broken('the simulation ran out of tasks')
    this.#counts.unacknowledgedStored = this.#oracle.atTheEnd().unacknowledged
    this.#counts.tasks = this.#time.tasksRun
    return {
      seed: this.#seed,
      violations: this.#oracle.violations,
      digest: createHash('sha256').update(this.#events.join('\n')).digest('hex'),
      events: this.#events,
      counts: this.#counts,
    }
  }

  #log(line: string): void {
    this.#events.push(`${this.#time.nowMs.toFixed(2)} ${line}`)
  }

  #begin(): void {
    for (let node = 0; node < this.#scenario.nodes; node += 1) this.#boot(node)
    for (const event of this.#scenario.events) {
      for (const atMs of [event.firstMs, ...event.copiesMs]) this.#later(atMs, () => this.#send(event, 1))
    }
    for (const mishap of this.#scenario.mishaps) this.#later(mishap.atMs, () => this.#mishap(mishap))
    for (const step of this.#scenario.steps) this.#later(step.atMs, () => void this.#operate(step))
    this.#later(HORIZON_MS, () => {
      this.#database.hasFaults = false
      this.#database.lastFaultMs = Math.max(this.#database.lastFaultMs, this.#time.nowMs)
    })
    this.#time.after(this.#outside, TICK_MS, () => this.#tick(), TICK_MS)
  }

  #later(delayMs: number, run: () => void): void {
    this.#time.after(this.#outside, delayMs, run)
  }

  // Nodes

  #boot(node: number): void {
    const owner = this.#time.owner(`node ${node}`)
    this.#time.after(owner, 0, () => {
      const booted = new Process(this.#world, node, owner, (process) => this.#hooksOf(process))
      this.#processes[node] = booted
      booted.postern.start().then(
        () => {
          booted.startedMs = this.#time.nowMs
          this.#oracle.started(booted)
          this.#log(`node ${node} is up`)
        },
        () => {
          // The store was not there: whatever starts processes starts the next one.
          this.#time.kill(owner)
          this.#later(1000, () => this.#boot(node))
        },
      )
    })
  }

  #hooksOf(process: Process): ProcessHooks {
    return {
      handler: (destination) => this.#handler(process, destination),
      onOccurrence: (occurrence) => {
        this.#oracle.occurred(process, occurrence)
        if (occurrence.kind === 'attempted') {
          this.#log(`node ${process.node} ${occurrence.id} ${occurrence.destination} ${occurrence.outcome}`)
          if (occurrence.outcome === 'lost') this.#counts.lost += 1
          if (occurrence.outcome === 'dead') this.#counts.dead += 1
        }
        if (occurrence.kind === 'accepted' && occurrence.outcome === 'duplicate') this.#counts.duplicates += 1
        if (occurrence.kind === 'accepted' && occurrence.outcome === 'conflict') this.#counts.conflicts += 1
      },
      onClaimed: (claimed) => this.#oracle.claimed(process, claimed),
      onPut: (event, result) => {
        this.#log(`node ${process.node} put ${event.id}: ${describePut(result)}`)
        this.#oracle.put(process, event, result)
      },
      onVerb: (verb) => this.#oracle.verb(process, verb),
    }
  }

  #mishap({ kind, node, forMs }: Mishap): void {
    const process = this.#processes[node]
    if (kind === 'store crash') return this.#crashStore(forMs)
    if (kind === 'clock step') return this.#stepClock(node, forMs)
    if (process === undefined || !process.isListening || process.isStopping) return
    this.#log(`node ${node} ${kind} for ${forMs} ms`)
    if (kind === 'crash') this.#crash(process, forMs)
    else if (kind === 'halt') this.#halt(process, forMs)
    else this.#time.after(process.owner, 0, () => void this.#stop(process, forMs))
  }

  #crash(process: Process, downMs: number): void {
    this.#counts.crashes += 1
    this.#time.kill(process.owner)
    this.#later(downMs, () => this.#boot(process.node))
  }

  #crashStore(downMs: number): void {
    if (!this.#database.isUp) return
    this.#counts.storeCrashes += 1
    this.#database.crash(downMs)
    // A store that lives in the process dies with it.
    const [only] = this.#processes
    if (this.#scenario.nodes === 1 && only?.isListening === true && this.#random.chance(0.5))
      this.#crash(only, downMs)
  }

  #halt(process: Process, forMs: number): void {
    this.#counts.halts += 1
    process.owner.haltedUntilMs = this.#time.nowMs + forMs
    process.lastHaltEndsMs = process.owner.haltedUntilMs
  }

  #stepClock(node: number, byMs: number): void {
    this.#log(`clocks step by ${byMs} ms`)
    this.#database.offsetMs += byMs
    this.#database.lastFaultMs = Math.max(this.#database.lastFaultMs, this.#time.nowMs + Math.max(0, -byMs))
    this.#wallOffsetsMs[node] = (this.#wallOffsetsMs[node] ?? EPOCH_MS) + byMs
  }

  async #stop(process: Process, downMs: number): Promise<void> {
    if (process.isStopping) return
    this.#counts.stops += 1
    process.isStopping = true
    const startedMs = this.#time.nowMs
    await process.postern.stop({ graceMs: this.#scenario.graceMs })
    process.stoppedMs = this.#time.nowMs
    this.#log(`node ${process.node} has stopped`)
    this.#oracle.stopped(process, this.#time.nowMs - startedMs)
    // The process lives on for a moment: what still runs in it is seen.
    this.#later(Math.max(downMs, 2500), () => {
      this.#time.kill(process.owner)
      if (!this.#isOver) this.#boot(process.node)
    })
  }

  // Senders

  #send(event: SentEvent, tries: number): void {
    this.#sendersBusy += 1
    this.#oracle.sent(event)
    const node = this.#random.whole(0, this.#scenario.nodes - 1)
    const fate = this.#isLate() ? 'arrives' : this.#random.weighted({ arrives: 94, lost: 3, answerLost: 3 })
    const again = onceOnly((status: number | undefined) => this.#read(event, tries, status))
    this.#later(SENDER_WAITS_MS, () => again(undefined))
    const process = this.#processes[node]
    if (process === undefined || !process.isListening) return this.#later(1, () => again(undefined))
    if (fate === 'lost') return
    const request = this.#signed(event)
    const arrival = this.#time.after(process.owner, 0.2 + this.#random.next() * 5, () => {
      const startedMs = this.#time.nowMs
      void process.answer(request).then((status) => {
        this.#answered(process, event, status, this.#time.nowMs - startedMs)
        if (fate === 'arrives') this.#later(0.2 + this.#random.next() * 5, () => again(status))
      })
    })
    // On the wire: it keeps no process alive.
    arrival.isReferenced = false
  }

  #answered(process: Process, event: SentEvent, status: number, tookMs: number): void {
    this.#log(`node ${process.node} answers ${event.label} ${status}`)
    if (status === 200) this.#counts.answers200 += 1
    if (status === 503) this.#counts.answers503 += 1
    // A stale request is refused before the store is asked; one that cannot be kept is answered 503.
    const isRefused = event.isForged || (event.isStale && status !== 503)
    const isStopping = status === 503 && process.isStopping
    this.#oracle.answered(process, event, status, tookMs, !isRefused || isStopping)
  }

  #read(event: SentEvent, tries: number, status: number | undefined): void {
    this.#sendersBusy -= 1
    if (status === 200) return this.#oracle.acknowledged(event)
    if (status === 401 || tries >= MOST_TRIES) return
    this.#later((200 + this.#random.next() * 800) * 2 ** (tries - 1), () => this.#send(event, tries + 1))
  }

  #isLate(): boolean {
    return this.#time.nowMs > HORIZON_MS
  }

  #signed({ source, body, isForged, isStale }: SentEvent): {
    source: string
    headers: Record<string, string>
    body: string
  } {
    const nowMs = this.#time.nowMs + EPOCH_MS - (isStale ? 3_600_000 : 0)
    const headers = sign(sourceOf(source, this.#scenario), { body, nowMs })
    if (isForged) headers['x-signature'] = 'a'.repeat(64)
    return { source, headers, body }
  }

  // Handlers

  #handler(process: Process, destination: string): Handler<string, unknown, SimulatedEffect> {
    return async (received, { attempt, signal, tx }) => {
      const event = this.#oracle.eventOf(received.body)
      if (event === undefined)
        return this.#oracle.broken(`a handler got a body that was never sent: ${received.id}`)
      const run = this.#oracle.runs(process, event, destination, attempt)
      this.#counts.runs += 1
      if (run.isStale) this.#counts.staleRuns += 1
      const act = this.#nextAct(event, destination)
      this.#log(`node ${process.node} runs ${event.label} ${destination} attempt ${attempt}: ${act}`)
      try {
        const row = effectRow(event.body, destination)
        if (this.#random.chance(0.5)) {
          tx({ row, fails: act === 'writes what cannot be written' })
          await this.#act(process, act, signal)
        } else {
          await this.#act(process, act, signal)
          tx({ row, fails: act === 'writes what cannot be written' })
        }
      } finally {
        this.#over(process, run)
      }
    }
  }

  #over(process: Process, run: Run): void {
    run.isOver = true
    if (process.owner.isAlive)
      this.#log(`node ${process.node} is through with ${run.event.label} ${run.destination}`)
  }

  readonly #calls = new Map<string, number>()

  #nextAct(event: SentEvent, destination: string): Act {
    const acts = event.acts[destination] ?? ['succeeds']
    const key = effectRow(event.body, destination)
    const call = this.#calls.get(key) ?? 0
    this.#calls.set(key, call + 1)
    return acts[Math.min(call, acts.length - 1)] as Act
  }

  async #act(process: Process, act: Act, signal: AbortSignal): Promise<void> {
    const { handlerTimeoutMs } = this.#scenario
    const { NonRetryableError, RetryAfterError } = this.#world.product
    const wait = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        // The user's own timer: not one that a stop would have to clear.
        this.#time.after(process.owner, ms, resolve).isReferenced = false
      })
    switch (act) {
      case 'succeeds':
      case 'writes what cannot be written':
        return
      case 'takes a while':
        return wait(this.#random.pick([5, 100, 1500, 5000]))
      case 'throws':
        throw new Error('the handler throws')
      case 'rejects later':
        await wait(50)
        throw new Error('the handler rejects')
      case 'hangs':
        return wait(10_000_000)
      case 'heeds its signal':
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('the handler was told to end')))
        })
      case 'overruns':
        return wait(handlerTimeoutMs + 700)
      case 'asks to come later':
        throw new RetryAfterError(this.#random.pick([0, 900, 2500]), 'busy')
      case 'gives up':
        throw new NonRetryableError('no use')
    }
  }

  // The operator

  async #operate({ kind, draw }: OperatorStep): Promise<void> {
    const watch = { onClaimed: () => {}, onPut: () => {}, onVerb: () => {} }
    const client = new StoreClient(this.#world.product, this.#database, this.#outside, watch)
    try {
      const page = await client.list({ of: 'deliveries', limit: 1000 })
      const from = kind === 'cancel' ? 'pending' : kind === 'replay' ? undefined : 'dead'
      const candidates = page.deliveries.filter(({ state }) => from === undefined || state === from)
      // Where there is an order that a step could break.
      const inOrder = candidates.filter(({ orderingKey }) => orderingKey !== undefined)
      const chosen = inOrder.length > 0 && this.#random.chance(0.7) ? inOrder : candidates
      const delivery = chosen[Math.floor(draw * chosen.length)]
      if (delivery === undefined) return
      this.#counts.moves += 1
      this.#log(`operator: ${kind} ${delivery.deliverySeq}`)
      const { deliverySeq, eventSeq, destination } = delivery
      if (kind === 'replay') await client.replay([{ eventSeq, destinations: [destination] }])
      else if (kind === 'force') {
        this.#oracle.forced(deliverySeq)
        await client.move([{ deliverySeq, to: 'redrive', force: true }])
      } else await client.move([{ deliverySeq, to: kind }])
    } catch {
      // The store failed; so does the operator's step.
    }
  }

  // Rest

  #tick(): void {
    const processes = this.#processes.flatMap((process) => process ?? [])
    this.#oracle.look(processes)
    if (this.#isOver || this.#restSinceMs !== undefined || this.#time.nowMs < HORIZON_MS) return
    const isUp = processes.every(
      ({ isListening, isStopping, owner }) =>
        isListening && !isStopping && owner.haltedUntilMs < this.#time.nowMs,
    )
    const isCalm = this.#database.isUp && this.#time.nowMs > this.#database.lastFaultMs + 500
    if (isUp && isCalm && this.#sendersBusy === 0 && this.#oracle.isAtRest()) return this.#endAll(processes)
    if (this.#time.nowMs > HORIZON_MS + REST_WITHIN_MS) {
      this.#oracle.broken('it never came to rest')
      this.#isOver = true
    }
  }

  #endAll(processes: readonly Process[]): void {
    this.#restSinceMs = this.#time.nowMs
    for (const process of processes) this.#time.after(process.owner, 0, () => void this.#stop(process, 0))
    this.#later(this.#scenario.graceMs + 2000, () => {
      for (const process of processes) {
        if (process.stoppedMs === undefined) this.#oracle.broken(`node ${process.node} does not stop`)
      }
      this.#isOver = true
    })
  }
}

function describePut(result: PutResult): string {
  if (result.outcome === 'failed') return 'failed'
  const lease = result.leased === undefined ? '' : `, leased ${result.leased.deliverySeq}`
  const states =
    result.outcome === 'duplicate'
      ? result.deliveries.map(({ destination, state }) => ` ${destination} ${state}`)
      : []
  return `${result.outcome} ${result.eventSeq}${states.join(',')}${lease}`
}

function onceOnly<T>(run: (value: T) => void): (value: T) => void {
  let isDone = false
  return (value) => {
    if (!isDone) run(value)
    isDone = true
  }
}
