import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { Webhook as OfficialWebhook } from 'standardwebhooks'
import { recordingTarget, type Received } from './forwarding.ts'

/** One request at a target, in short. */
export interface Arrival {
  readonly id: string
  readonly messageId: string
  readonly digest: string
  /** By the official library of Standard Webhooks. */
  readonly isVerified: boolean
}

/** A target that always owes one answer, so that whenever its gateway is ended there is one that it has taken and that is not settled. */
export class OwingTarget {
  readonly arrivals: Arrival[] = []
  readonly #official: OfficialWebhook
  #owed: ServerResponse | undefined
  #owesNothing = false
  #url = ''

  private constructor(key: string) {
    this.#official = new OfficialWebhook(key)
  }

  /** @param key What its requests are signed with. */
  static async listen(key: string): Promise<OwingTarget> {
    const target = new OwingTarget(key)
    target.#url = (await recordingTarget((request, response) => target.#take(request, response))).url
    return target
  }

  get url(): string {
    return this.#url
  }

  /** Requests beyond the first of each event. */
  copies(): number {
    return this.arrivals.length - new Set(this.arrivals.map(({ id }) => id)).size
  }

  get owes(): boolean {
    return this.#owed !== undefined
  }

  /** Nobody waits any more for what is owed. */
  forgetOwed(): void {
    this.#owed = undefined
  }

  /** Says of what is owed that it has been taken. */
  answerOwed(): void {
    this.#owed?.writeHead(204).end()
    this.#owed = undefined
  }

  /** From now on everything is answered. */
  settleUp(): void {
    this.#owesNothing = true
    this.answerOwed()
  }

  #take({ headers, body }: Received, response: ServerResponse): void {
    this.arrivals.push({
      id: String(headers['postern-event-id']),
      messageId: String(headers['webhook-id']),
      digest: digestOf(body),
      isVerified: this.#verifies(body, headers as Record<string, string>),
    })
    if (this.#owesNothing) return void response.writeHead(204).end()
    this.answerOwed()
    this.#owed = response
  }

  #verifies(body: Buffer, headers: Record<string, string>): boolean {
    try {
      this.#official.verify(body.toString(), headers)
      return true
    } catch {
      return false
    }
  }
}

export function digestOf(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}
