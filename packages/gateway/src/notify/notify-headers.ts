import { Messages } from '../forward/message.ts'
import type { Message } from './message.ts'
import type { ResolvedNotification } from './notify-options.ts'

const JSON_TYPE = ['content-type', 'application/json']

/** The headers of a notification's requests; signed by Standard Webhooks where it has a secret of its own. */
export class NotifyHeaders {
  readonly #signing: Messages | undefined
  readonly #set: readonly string[]

  /** Throws `PosternError` where the secret is not one. */
  constructor({ secret, headers = {} }: ResolvedNotification) {
    this.#signing = secret === undefined ? undefined : new Messages([secret], { set: headers })
    this.#set = Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value])
      .flat()
  }

  /** Names and values in turn. */
  of(
    { source, type, id }: Message,
    body: Uint8Array,
    {
      deliverySeq,
      attempt,
      nowMs,
    }: { readonly deliverySeq: number; readonly attempt: number; readonly nowMs: number },
  ): string[] {
    if (this.#signing === undefined) return ['user-agent', 'Postern', ...JSON_TYPE, ...this.#set]
    const event = { source, type, id, body, headers: JSON_TYPE, created: undefined, data: undefined }
    return this.#signing.headers({ event, deliverySeq, attempt }, nowMs)
  }
}
