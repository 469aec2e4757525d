// Starts `inbox-server.mjs` in a process of its own and speaks to it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { placeAt } from './places/index.mjs'

const SCRIPT = fileURLToPath(new URL('./inbox-server.mjs', import.meta.url))

/**
 * @typedef {object} ServerOptions
 * @property {string} place Where the store is: see `places/`.
 * @property {string} secret
 * @property {string} [driver] What SQLite is loaded from, where it is not the store's own choice.
 * @property {boolean} [mayLose] The store is told that acknowledged events may be lost.
 * @property {number} [leaseMs]
 * @property {number} [concurrency]
 * @property {{ attempts?: number, baseMs?: number }} [retry]
 * @property {boolean} [startsWorker] Default: true.
 * @property {'stored' | 'handled'} [ack]
 * @property {number} [senderTimeoutMs] How long senders are said to wait.
 * @property {boolean} [isHarmless] Its handler does nothing but its effect, whatever the id.
 * @property {boolean} [reportsHandling] Says at the start of every handler which event it is for.
 *
 * @typedef {object} Usage
 * @property {number} loopDelayP50Ms As `monitorEventLoopDelay` counts it: its own 10 ms included.
 * @property {number} loopDelayP90Ms
 * @property {number} loopDelayP99Ms
 * @property {number} loopDelayMaxMs
 * @property {number} rssMb
 * @property {number} handled Handlers begun.
 * @property {number} slowestAnswerMs From the moment that a request's head was read. Its sender also waits for a busy machine.
 *
 * @typedef {object} Handling
 * @property {string} id
 * @property {number} attempt
 * @property {number} atMs
 */

export class ChildServer {
  #child
  /** How the process ended: an exit code or a signal's name. */
  ended
  port = 0
  /** @type {Handling[]} Starts of handlers, where it reports them. */
  handling = []

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.#child = child
    this.ended = /** @type {Promise<number | string>} */ (
      once(child, 'exit').then(([code, signal]) => code ?? signal)
    )
    child.on('message', (message) => message.kind === 'handling' && this.handling.push(message))
  }

  /**
   * Starts one and waits until it listens; rejects where it ends before.
   * @param {ServerOptions} options @param {Readonly<Record<string, string>>} [environment]
   * @returns {Promise<ChildServer>}
   */
  static async start(options, environment = {}) {
    await placeAt(options.place).prepare()
    const env = { ...process.env, ...environment }
    const child = fork(SCRIPT, [JSON.stringify(options)], { execArgv: [], env })
    endWithThisProcess(child)
    const server = new ChildServer(child)
    const { port } = await server.#next('ready')
    server.port = port
    return server
  }

  /** @returns {Promise<Usage>} */
  async usage() {
    return (await this.#ask('usage')).value
  }

  /** Starts the measurements of `usage` anew. */
  async forget() {
    await this.#ask('forget')
  }

  /** Fulfils at the next start of a handler. @returns {Promise<Handling>} */
  nextHandling() {
    return this.#next('handling')
  }

  /** Halts every thread of it where it stands. */
  halt() {
    this.#child.kill('SIGSTOP')
  }

  /** `kill -9`. */
  async kill() {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  /** Has it handle whatever is left, and end by itself. */
  async finish() {
    await this.#ask('finish')
    const end = await this.ended
    if (end !== 0) throw new Error(`the server ended with ${end}`)
  }

  /** @param {string} question */
  #ask(question) {
    // Where it has just died, its end says so.
    this.#child.send(question, () => {})
    return this.#next(question)
  }

  /** The next message of a kind. @param {string} kind */
  #next(kind) {
    return new Promise((resolve, reject) => {
      const hear = (message) => {
        if (message.kind === 'failed') reject(new Error(message.message))
        if (message.kind !== kind) return
        this.#child.off('message', hear)
        resolve(message)
      }
      this.#child.on('message', hear)
      void this.ended.then((end) => {
        this.#child.off('message', hear)
        reject(new Error(`the server ended with ${end} before it said '${kind}'`))
      })
    })
  }
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/**
 * A halted child does not notice that its parent is gone.
 * @param {import('node:child_process').ChildProcess} child
 */
export function endWithThisProcess(child) {
  if (running.size === 0) process.once('exit', () => running.forEach((each) => each.kill('SIGKILL')))
  running.add(child)
}
