import type { Provider, WebhookRequest } from 'postern'
import { isPrintable } from './escape.ts'
import { claimedType } from './event-type.ts'
import { shellQuote } from './shell-quote.ts'

/** What a `trigger` line says. */
export interface TriggerLine {
  readonly source: string
  readonly type: string
  readonly url: string
  /** Relative to where the command is run. */
  readonly dataFile?: string
}

/** A `postern trigger` command to copy. It signs when it is run; no signature stands in it. */
export function triggerLine({ source, type, url, dataFile }: TriggerLine): string {
  const data = dataFile === undefined ? [] : ['--data', `@${dataFile}`]
  return ['npx', 'postern', 'trigger', source, type, ...data, '--url', url].map(shellQuote).join(' ')
}

/** The refused request's own type, where it can stand in a command line unmistakably; else `test`. */
export function typeForCommand(provider: Provider, request: WebhookRequest): string {
  const type = claimedType(provider, request)
  return type === undefined || type.startsWith('-') || !isPrintable(type) ? 'test' : type
}
