import type { Message } from './message.ts'
import type { NotifyKind } from './notify-options.ts'
import { discordBody } from './discord.ts'
import { incidentBody } from './pagerduty.ts'
import { slackBody } from './slack.ts'
import { webhookBody } from './webhook.ts'

/** How a kind of API is spoken to: what is posted, and what its answers mean beside their status. */
export interface Channel {
  body(message: Message, routingKey: string | undefined): object
  /** Whether a message may be summed up with others. */
  mayGroup(message: Message): boolean
  /** Whether it has a use for the end of a trouble that weighs less than what it is to be told. */
  readonly wantsEnds: boolean
}

const READ_BY_PEOPLE = { mayGroup: () => true, wantsEnds: false } as const

export const CHANNELS: Readonly<Record<NotifyKind, Channel>> = {
  slack: { ...READ_BY_PEOPLE, body: slackBody },
  discord: { ...READ_BY_PEOPLE, body: discordBody },
  // An incident is resolved by its own key, and by nothing else: an end that was summed up would leave it open.
  pagerduty: {
    mayGroup: ({ isEnd }) => !isEnd,
    wantsEnds: true,
    body: (message, routingKey) => incidentBody(message, routingKey ?? ''),
  },
  webhook: { ...READ_BY_PEOPLE, body: webhookBody },
}
