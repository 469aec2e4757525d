import type { Message } from './message.ts'

/** A message as JSON: for a chat or a pager that has no form of its own here. */
export function webhookBody({ created, text, problem, ...message }: Message): object {
  return {
    ...message,
    text: text ?? null,
    problem: problem ?? null,
    created: created?.toISOString() ?? null,
  }
}
