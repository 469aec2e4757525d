/** Whose a task is: the tasks of a dead process never run, those of a halted one run late. */
export interface Owner {
  readonly name: string
  isAlive: boolean
  haltedUntilMs: number
  readonly tasks: Task[]
}

interface Task {
  readonly owner: Owner
  readonly run: () => void
  readonly everyMs: number | undefined
  readonly order: number
  atMs: number
  isOpen: boolean
  isReferenced: boolean
}

/** What a task costs: time goes on, so that two things never happen at once. */
const TASK_MS = 0.01
/** A seed that runs longer turns in a circle. */
const MOST_TASKS = 400_000
const real = { setTimeout, clearTimeout, setImmediate, queueMicrotask, nextTick: process.nextTick }

/**
 * A clock that stands still while work is done, and the tasks that wait for it.
 *
 * While `run` lasts, the timers, `performance.now` and `Date.now` of the process are its own. Of the owners that have
 * something to do, the seed says whose turn it is; within one, tasks run in the order of their time, as Node's do.
 * Promises are Node's own: `process.nextTick`, called from the last microtask, comes after all of them, and nothing else
 * of the process runs in between.
 */
export class VirtualTime {
  nowMs = 0
  readonly #draw: () => number
  readonly #owners: Owner[] = []
  readonly #onThrow: (error: unknown) => void
  #current: Owner | undefined
  #lastOrder = 0
  tasksRun = 0

  constructor(draw: () => number, onThrow: (error: unknown) => void) {
    this.#draw = draw
    this.#onThrow = onThrow
  }

  owner(name: string): Owner {
    const owner: Owner = { name, isAlive: true, haltedUntilMs: 0, tasks: [] }
    this.#owners.push(owner)
    return owner
  }

  /** Ends an owner, with all that it was about to do. */
  kill(owner: Owner): void {
    owner.isAlive = false
    owner.tasks.length = 0
    this.#owners.splice(this.#owners.indexOf(owner), 1)
  }

  /** Whether the owner has anything to do that keeps a process alive. */
  isBusy({ tasks }: Owner): boolean {
    return tasks.some(({ isOpen, isReferenced }) => isOpen && isReferenced)
  }

  after(owner: Owner, delayMs: number, run: () => void, everyMs?: number): Task {
    const atMs = this.nowMs + Math.max(0, delayMs)
    const task: Task = {
      owner,
      run,
      everyMs,
      order: ++this.#lastOrder,
      atMs,
      isOpen: owner.isAlive,
      isReferenced: true,
    }
    if (owner.isAlive) insert(owner.tasks, task)
    return task
  }

  /** Runs tasks until the condition holds or nothing is left. */
  async run(isOver: () => boolean): Promise<void> {
    const restore = this.#replaceGlobals()
    try {
      await new Promise<void>((resolve) => {
        const step = (): void => {
          if (isOver() || !this.#runOne()) return resolve()
          real.queueMicrotask(() => real.nextTick(step))
        }
        step()
      })
    } finally {
      restore()
    }
    // Node looks for rejections that nobody handled once nothing else is left to do.
    await new Promise((resolve) => real.setImmediate(resolve))
  }

  #runOne(): boolean {
    const task = this.#next()
    if (task === undefined) return false
    this.tasksRun += 1
    if (this.tasksRun > MOST_TASKS) {
      this.#onThrow(new Error(`more than ${MOST_TASKS} tasks: something turns in a circle`))
      return false
    }
    this.#current = task.owner
    if (task.everyMs === undefined) task.isOpen = false
    else insert(task.owner.tasks, Object.assign(task, { atMs: this.nowMs + task.everyMs }))
    try {
      task.run()
    } catch (error) {
      this.#onThrow(error)
    }
    this.nowMs += TASK_MS
    return true
  }

  #next(): Task | undefined {
    let ready: Owner | undefined
    let readyCount = 0
    let earliest: Owner | undefined
    let earliestMs = Infinity
    for (const owner of this.#owners) {
      const [first] = owner.tasks
      if (first === undefined) continue
      const atMs = Math.max(first.atMs, owner.haltedUntilMs)
      if (atMs < earliestMs) [earliest, earliestMs] = [owner, atMs]
      if (atMs > this.nowMs) continue
      readyCount += 1
      // Each of those that are ready is as likely as the others.
      if (readyCount === 1 || this.#draw() < 1 / readyCount) ready = owner
    }
    const owner = ready ?? earliest
    if (owner === undefined) return undefined
    this.nowMs = Math.max(this.nowMs, earliestMs)
    return owner.tasks.shift()
  }

  #replaceGlobals(): () => void {
    const set = (run: () => void, delayMs = 0, everyMs?: number): TimerHandle =>
      new TimerHandle(this.after(this.#owner(), delayMs, run, everyMs))
    const clear = (handle?: TimerHandle): void => handle?.clear()
    const replacements: Readonly<Record<string, unknown>> = {
      setTimeout: (run: (value: unknown) => void, delayMs?: number, value?: unknown) =>
        set(() => run(value), Math.max(1, delayMs ?? 1)),
      setInterval: (run: () => void, everyMs: number) => set(run, everyMs, everyMs),
      setImmediate: (run: () => void) => set(run),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
      Response: LightResponse,
    }
    const originals = Object.keys(replacements).map(
      (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
    )
    const { now: realDateNow } = Date
    for (const [name, value] of Object.entries(replacements)) {
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
    }
    Object.defineProperty(performance, 'now', { value: () => this.nowMs, configurable: true })
    Date.now = () => {
      throw new Error('Date.now was called: the wall clock is an argument')
    }
    return () => {
      for (const [name, descriptor] of originals) {
        if (descriptor !== undefined) Object.defineProperty(globalThis, name, descriptor)
      }
      Reflect.deleteProperty(performance, 'now')
      Date.now = realDateNow
    }
  }

  #owner(): Owner {
    if (this.#current === undefined) throw new Error('A timer was set outside of every task')
    return this.#current
  }
}

/** What the mount makes for each answer; Node's own costs 20 µs. */
class LightResponse {
  readonly status: number

  constructor(_body: string, { status }: { readonly status: number }) {
    this.status = status
  }
}

class TimerHandle {
  readonly #task: Task

  constructor(task: Task) {
    this.#task = task
  }

  clear(): void {
    this.#task.isOpen = false
    const { tasks } = this.#task.owner
    const index = tasks.indexOf(this.#task)
    if (index >= 0) tasks.splice(index, 1)
  }

  unref(): this {
    this.#task.isReferenced = false
    return this
  }

  ref(): this {
    this.#task.isReferenced = true
    return this
  }
}

/** Few tasks wait at once, and most new ones come last. */
function insert(tasks: Task[], task: Task): void {
  let index = tasks.length
  while (index > 0 && isAfter(tasks[index - 1] as Task, task)) index -= 1
  tasks.splice(index, 0, task)
}

function isAfter(left: Task, right: Task): boolean {
  return left.atMs > right.atMs || (left.atMs === right.atMs && left.order > right.order)
}
