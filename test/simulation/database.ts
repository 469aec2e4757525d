import { Image, type Operation, type Product, type Result } from './image.ts'
import type { Random } from './random.ts'
import type { Owner, VirtualTime } from './virtual-time.ts'

/** How a commit ends. `unknown`: it is done, and whoever waits for it is told otherwise. */
type Fate = 'done' | 'fails' | 'unknown' | 'slow'

export interface DatabaseSettings {
  /** What of a hundred commits ends in each way, while faults are on. */
  readonly fates: Readonly<Record<Fate, number>>
  readonly fsyncMs: { readonly from: number; readonly to: number }
  /** A planted bug: operations of these verbs are answered before they are synced. */
  readonly answersEarly?: readonly Operation['verb'][]
  /** A planted bug: a copy of what is not synced yet is answered at once. */
  readonly dedupesEarly?: boolean
}

export type Answered =
  | { readonly ok: true; readonly results: readonly Result[] }
  | { readonly ok: false; readonly error: Error }

interface Work {
  readonly owner: Owner
  /** Absent for a read. */
  readonly operations: readonly Operation[] | undefined
  readonly answer: (answered: Answered) => void
}

interface Logged {
  readonly operation: Operation
  readonly result: Result
  readonly atMs: number
}

/**
 * One durable store that several nodes share, with two images: the volatile one, on which an operation works at once, and
 * the durable one, kept as the log of the operations whose fsync has returned. A crash rebuilds the first from the second.
 */
export class Database {
  image: Image
  /** Added to the virtual time: the store's own clock. */
  offsetMs = 0
  hasFaults = true
  isUp = true
  /** When a commit last failed, took long, or the whole store was down. */
  lastFaultMs = -Infinity
  readonly durable: Logged[] = []
  #unsynced: Logged[] = []
  readonly #queue: Work[] = []
  #current: Work | undefined
  readonly #product: Product
  readonly #time: VirtualTime
  readonly #owner: Owner
  readonly #random: Random
  readonly #settings: DatabaseSettings
  readonly #log: (line: string) => void
  readonly #onDurable: (logged: Logged) => void
  #life = 0

  constructor(
    source: Product,
    time: VirtualTime,
    random: Random,
    settings: DatabaseSettings,
    log: (line: string) => void,
    onDurable: (logged: Logged) => void,
  ) {
    this.#product = source
    this.#time = time
    this.#owner = time.owner('store')
    this.#random = random
    this.#settings = settings
    this.#log = log
    this.#onDurable = onDurable
    this.image = new Image(source)
  }

  get clockMs(): number {
    return this.#time.nowMs + this.offsetMs
  }

  /** Hands operations over; answers on their owner's own time, if that still lives. Without operations, a read. */
  submit(owner: Owner, operations: readonly Operation[] | undefined): Promise<Answered> {
    return new Promise((resolve) => {
      const answer = (answered: Answered): void =>
        void this.#time.after(owner, this.#random.next(), () => resolve(answered))
      this.#time.after(this.#owner, this.#random.next(), () => {
        if (!this.isUp) return answer({ ok: false, error: new Error('the store is down') })
        if (operations !== undefined && this.#isEarlyCopy(operations))
          return answer(this.#earlyCopies(operations))
        this.#queue.push({ owner, operations, answer })
        this.#begin()
      })
    })
  }

  /** The power goes: what is not synced is lost, unless the disk had it just before. Up again after a while. */
  crash(downMs: number): void {
    this.#life += 1
    this.isUp = false
    this.lastFaultMs = this.#time.nowMs + downMs
    const isKept = this.#random.chance(0.3)
    this.#log(`store crashes, ${this.#unsynced.length} unsynced ${isKept ? 'kept' : 'lost'}`)
    if (isKept) this.#sync()
    this.#unsynced = []
    for (const { answer } of [this.#current, ...this.#queue.splice(0)].flatMap((work) => work ?? [])) {
      answer({ ok: false, error: new Error('the store went away') })
    }
    this.#current = undefined
    this.image = this.rebuilt()
    this.#time.after(this.#owner, downMs, () => {
      this.isUp = true
    })
  }

  /** The durable image, from nothing but the log. */
  rebuilt(): Image {
    const image = new Image(this.#product)
    for (const { operation, atMs } of this.durable) image.apply(operation, atMs)
    return image
  }

  #begin(): void {
    if (this.#current !== undefined) return
    const work = this.#queue.shift()
    if (work === undefined) return
    this.#current = work
    if (work.operations === undefined) return this.#end({ ok: true, results: [] })
    const fate = this.hasFaults ? this.#random.weighted(this.#settings.fates) : 'done'
    const { from, to } = this.#settings.fsyncMs
    const quickMs = from + this.#random.next() * (to - from)
    const fsyncMs = fate === 'slow' ? 1000 + this.#random.next() * 5000 : quickMs
    if (fate !== 'done') this.lastFaultMs = this.#time.nowMs + fsyncMs
    if (fate !== 'done') this.#log(`commit of ${work.operations.map(({ verb }) => verb).join()} is ${fate}`)
    const results = fate === 'fails' ? [] : this.#apply(work.operations)
    const early = this.#settings.answersEarly
    const isEarly = fate !== 'fails' && work.operations.every(({ verb }) => early?.includes(verb))
    if (isEarly) work.answer({ ok: true, results })
    const life = this.#life
    this.#time.after(this.#owner, fsyncMs, () => {
      if (life !== this.#life) return
      this.#sync()
      const failed = { ok: false, error: new Error(`the commit failed (${fate})`) } as const
      this.#end(fate === 'fails' || fate === 'unknown' ? failed : { ok: true, results }, isEarly)
    })
  }

  #apply(operations: readonly Operation[]): Result[] {
    const atMs = this.clockMs
    const logged = operations.map((operation) => ({
      operation,
      result: this.image.apply(operation, atMs),
      atMs,
    }))
    this.#unsynced.push(...logged)
    return logged.map(({ result }) => result)
  }

  #sync(): void {
    for (const logged of this.#unsynced.splice(0)) {
      this.durable.push(logged)
      this.#onDurable(logged)
    }
  }

  #end(answered: Answered, isAnswered = false): void {
    if (!isAnswered) this.#current?.answer(answered)
    this.#current = undefined
    this.#begin()
  }

  #isEarlyCopy(operations: readonly Operation[]): boolean {
    return (
      this.#settings.dedupesEarly === true && operations.every((operation) => this.#unsyncedCopy(operation))
    )
  }

  #unsyncedCopy(operation: Operation): number | undefined {
    if (operation.verb !== 'put') return undefined
    const { source, id } = operation.event
    return [...this.image.tables.events.values()].find(
      ({ event }) => event.source === source && event.id === id,
    )?.event.eventSeq
  }

  #earlyCopies(operations: readonly Operation[]): Answered {
    const results = operations.map(
      (operation) =>
        ({ outcome: 'duplicate', eventSeq: this.#unsyncedCopy(operation) ?? 0, deliveries: [] }) as const,
    )
    return { ok: true, results }
  }
}
