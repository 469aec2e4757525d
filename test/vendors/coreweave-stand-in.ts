import { StandIn, type Asked, type Told } from './stand-in-server.ts'

export const COREWEAVE_TOKEN = 'cw-token-0123456789abcdef'
export const DESTINATION = 'dest-7f3a'

/**
 * The queue of a CoreWeave Alerts destination, from its documentation: listing removes nothing, 1 to 500 ids are acknowledged at once,
 * and ids that are not there are skipped.
 *
 * Not documented, and made up here: the form of the list, the name of the id, that a page has the oldest first.
 */
export class CoreweaveStandIn extends StandIn {
  /** What waits, as the text of each message. */
  readonly queue = new Map<string, string>()
  readonly acknowledged: string[] = []
  /** Called with the ids before they are taken out. */
  onAcknowledge: (ids: readonly string[]) => void | Promise<void> = () => {}

  /** Puts an alert into the queue. */
  alert(id: string, members: string = '"alertName":"GPUFellOffBus","severity":"critical"'): void {
    this.queue.set(id, `{"messageId": ${JSON.stringify(id)}, ${members}}`)
  }

  protected async answer({ method, path, query, headers, body }: Asked): Promise<Told> {
    if (headers.authorization !== `Bearer ${COREWEAVE_TOKEN}`)
      return { status: 401, body: { message: 'unauthenticated' } }
    if (method === 'GET' && path === `/v1/notifications/queues/${DESTINATION}/messages`) {
      const page = [...this.queue.values()].slice(0, Number(query.get('limit') ?? 100))
      return { status: 200, body: page.length === 0 ? {} : `{"messages": [\n  ${page.join(',\n  ')}\n]}` }
    }
    if (method === 'POST' && path === `/v1/notifications/queues/${DESTINATION}/messages/ack`) {
      const { messageIds } = body as { readonly messageIds: readonly string[] }
      if (messageIds.length < 1 || messageIds.length > 500)
        return { status: 400, body: { message: '1 to 500' } }
      await this.onAcknowledge(messageIds)
      const there = messageIds.filter((id) => this.queue.delete(id))
      this.acknowledged.push(...there)
      return { status: 200, body: { acked: there.length } }
    }
    return { status: 404, body: { message: 'not found' } }
  }
}
