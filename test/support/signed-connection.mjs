// One keep-alive connection that sends signed events, each when the last one is answered. By hand, since node:http's
// client costs more than the server under test.
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {boolean} isDuplicate
 */

export class SignedConnection {
  #socket
  #secret
  /** @type {((answer: Answer | undefined) => void) | undefined} */
  #waiting
  #received = ''

  /** @param {import('node:net').Socket} socket @param {string} secret */
  constructor(socket, secret) {
    this.#socket = socket
    this.#secret = secret
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#read(chunk.toString('latin1')))
    socket.on('close', () => this.#answer(undefined))
    socket.on('error', () => {})
  }

  /**
   * Connects; `undefined` where nobody listens.
   * @param {number} port @param {string} secret @returns {Promise<SignedConnection | undefined>}
   */
  static async open(port, secret) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
    } catch {
      return undefined
    }
    return new SignedConnection(socket, secret)
  }

  /**
   * Sends an event; answers once the whole answer is read, with `undefined` where the connection broke before.
   * @param {string} id @returns {Promise<Answer | undefined>}
   */
  send(id) {
    if (this.#socket.destroyed) return Promise.resolve(undefined)
    this.#socket.write(signedRequest(bodyOf(id), this.#secret))
    return new Promise((resolve) => (this.#waiting = resolve))
  }

  close() {
    this.#socket.destroy()
  }

  /** @param {string} text */
  #read(text) {
    this.#received += text
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const bodyLength = Number(/content-length: (\d+)/i.exec(this.#received)?.[1] ?? 0)
    if (this.#received.length < headEnd + 4 + bodyLength) return
    const body = this.#received.slice(headEnd + 4)
    this.#answer({
      status: Number(this.#received.slice(9, 12)),
      isDuplicate: body.includes('"duplicate":true'),
    })
  }

  /** @param {Answer | undefined} answer */
  #answer(answer) {
    const resolve = this.#waiting
    this.#waiting = undefined
    this.#received = ''
    resolve?.(answer)
  }
}

/**
 * The same bytes for the same id, so that a copy is a duplicate; of differing lengths, so that bodies cannot be taken
 * for each other.
 * @param {string} id @returns {string}
 */
export function bodyOf(id) {
  const data = `${id}-`.repeat(1 + ([...id].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 40))
  return JSON.stringify({ id, type: 'resource.created', created: '2026-11-21T00:00:00Z', data })
}

/** @param {string} body @param {string} secret */
function signedRequest(body, secret) {
  const timestamp = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  return (
    `POST /webhooks/vastai HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nx-vastai-signature: ${signature}\r\n` +
    `x-vastai-timestamp: ${timestamp}\r\n\r\n${body}`
  )
}
