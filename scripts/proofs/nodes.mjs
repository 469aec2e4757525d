// Several nodes on one store, each a process with an HTTP server, under the load of one client.
import { fork } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ChildServer, endWithThisProcess } from '../../test/support/child-server.mjs'
import { SignedConnection } from '../../test/support/signed-connection.mjs'

const CLIENT = fileURLToPath(new URL('../../test/support/spread-client.mjs', import.meta.url))
const LOOK_EVERY_MS = 20
/** A node that does nothing again for so long will not any more, however busy the machine. */
const RESUME_WITHIN_MS = 60_000

export class Nodes {
  #secret
  #optionsOf
  #probes = 0
  /** @type {ChildServer[]} */
  all = []
  /** Ids that `resumed` has sent and that were acknowledged. */
  probed = []

  /** @param optionsOf Of each node by its index: see ServerOptions. */
  constructor(secret, optionsOf) {
    this.#secret = secret
    this.#optionsOf = optionsOf
  }

  async start(count) {
    this.all = await Promise.all(Array.from({ length: count }, (_, index) => this.#startOne(index)))
  }

  get ports() {
    return this.all.map(({ port }) => port)
  }

  /** `kill -9`, and another in its place. */
  async replace(index) {
    await this.all[index].kill()
    this.all[index] = await this.#startOne(index)
  }

  /** For each node, how long until it answers 200 again, and until it has begun another handler; `never` is never. */
  async resumed() {
    return Promise.all(this.all.map((node) => this.#resumed(node)))
  }

  /** How long the slowest answer took since this was asked before, as the nodes themselves saw it. */
  async slowestAnswerMs() {
    const usages = await Promise.all(this.all.map((node) => node.usage()))
    await Promise.all(this.all.map((node) => node.forget()))
    return Math.max(...usages.map(({ slowestAnswerMs }) => slowestAnswerMs))
  }

  /** Answers the one that is left. */
  async killAllBut(index) {
    await Promise.all(this.all.filter((_, each) => each !== index).map((node) => node.kill()))
    return this.all[index]
  }

  /** As its supervisor does it, where the server is not there yet. */
  async #startOne(index) {
    const giveUpMs = performance.now() + RESUME_WITHIN_MS
    for (;;) {
      try {
        return await ChildServer.start({ secret: this.#secret, ...this.#optionsOf(index) })
      } catch (error) {
        if (performance.now() > giveUpMs) throw error
        await setTimeout(LOOK_EVERY_MS)
      }
    }
  }

  async #resumed(node) {
    const { handled } = await node.usage()
    const id = `probe_${(this.#probes += 1)}`
    const acceptsAfterMs = await timeUntil(async () => (await sendOnce(node.port, this.#secret, id)) === 200)
    if (acceptsAfterMs !== 'never') this.probed.push(id)
    const handlesAfterMs = await timeUntil(async () => (await node.usage()).handled > handled)
    return { acceptsAfterMs, handlesAfterMs }
  }
}

/** The slowest of what `resumed` has found. */
export function resumptionTimes(resumptions) {
  const slowest = (name) => Math.max(0, ...resumptions.map((each) => each[name]).filter(Number.isFinite))
  return {
    neverResumed: resumptions.filter((each) => Object.values(each).includes('never')).length,
    acceptsAfterMaxMs: slowest('acceptsAfterMs'),
    handlesAfterMaxMs: slowest('handlesAfterMs'),
  }
}

/** The load: see spread-client.mjs. Begun once it has an answer; stops when told to, and answers what it was told. */
export function startLoad(options) {
  const client = fork(CLIENT, [JSON.stringify(options)], { execArgv: [] })
  endWithThisProcess(client)
  const [begun, done] = ['begun', 'done'].map((kind) => messageOf(client, kind))
  return {
    begun,
    sendTo: (ports) => client.send({ ports }),
    stop: () => {
      client.send({ stop: true })
      return done
    },
  }
}

function messageOf(child, wanted) {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => message.kind === wanted && resolve(message))
    child.on('exit', (code) => reject(new Error(`the client ended with ${code} before it said ${wanted}`)))
  })
}

async function sendOnce(port, secret, id) {
  const connection = await SignedConnection.open(port, secret)
  const answer = await connection?.send(id)
  connection?.close()
  return answer?.status
}

async function timeUntil(isSo) {
  const startedMs = performance.now()
  while (performance.now() - startedMs < RESUME_WITHIN_MS) {
    if (await isSo()) return Math.round(performance.now() - startedMs)
    await setTimeout(LOOK_EVERY_MS)
  }
  return 'never'
}
