// A client of a server whose disk is being broken: remembers what it was promised, file by file, and how it was answered.
import { SignedConnection } from '../../test/support/signed-connection.mjs'

const CONNECTIONS = 4
const EVENTS_PER_CONNECTION = 8

export class FaultClient {
  #secret
  acknowledged = []
  refused = 0
  /** Answers that are neither 200 nor 503. */
  otherAnswers = 0
  slowestMs = 0
  /** Requests after the fault that were not answered 200 by the process that had met it. */
  notRecovered = 0
  #files = new Map()

  constructor(secret) {
    this.#secret = secret
  }

  counts() {
    const { acknowledged, refused, otherAnswers, slowestMs, notRecovered } = this
    return { acknowledged: acknowledged.length, refused, otherAnswers, slowestMs, notRecovered }
  }

  /** What this client was promised of one file. */
  of(file) {
    return { acknowledged: this.#files.get(file) ?? [] }
  }

  /** Sends over several connections; answers whether the server was there to the end. */
  async sendMany(port, prefix, file) {
    const whole = await Promise.all(
      Array.from({ length: CONNECTIONS }, (_, index) => this.#sendOneByOne(port, `${prefix}_${index}`, file)),
    )
    return whole.every(Boolean)
  }

  async sendAfterwards(port, id, file) {
    const connection = await SignedConnection.open(port, this.#secret)
    const answer = await this.#send(connection, id, file)
    if (answer?.status !== 200) this.notRecovered += 1
    connection?.close()
  }

  async #sendOneByOne(port, prefix, file) {
    const connection = await SignedConnection.open(port, this.#secret)
    for (let event = 0; event < EVENTS_PER_CONNECTION; event += 1) {
      if ((await this.#send(connection, `${prefix}_${event}`, file)) === undefined) return false
    }
    connection?.close()
    return true
  }

  async #send(connection, id, file) {
    const startedMs = performance.now()
    const answer = await connection?.send(id)
    if (answer === undefined) return undefined
    this.slowestMs = Math.max(this.slowestMs, Math.round(performance.now() - startedMs))
    if (answer.status === 200) {
      this.acknowledged.push(id)
      this.#files.set(file, [...(this.#files.get(file) ?? []), id])
    } else if (answer.status === 503) this.refused += 1
    else this.otherAnswers += 1
    return answer
  }
}
