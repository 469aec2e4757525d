import { escapeUnprintable } from '../observe/escape.ts'
import { pauseWith } from '../vendors/api-client.ts'
import { Puller, type Pulled, type PullQueue } from '../vendors/pull-queue.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-code.ts'
import { openInbox, type InboxFlags } from './open-inbox.ts'
import { UsageError } from './usage-error.ts'
import { vendorClient } from './vendor-access.ts'

export interface PullFlags extends InboxFlags {
  readonly json?: boolean
  readonly follow?: boolean
}

/** `postern pull`: takes what waits in a vendor's queue, and acknowledges what is stored. For cron, or with `--follow`. */
export async function pull(source: string, flags: PullFlags, context: CliContext): Promise<number> {
  const inbox = await openInbox(flags, context)
  const stopping = new AbortController()
  const forget = context.onSignal(() => stopping.abort())
  try {
    const { config, record, log } = inbox
    const queue = config.pull?.[source]
    if (queue === undefined) {
      throw new UsageError(
        `There is no queue for '${escapeUnprintable(source)}': name it in postern.config.ts under pull`,
      )
    }
    const { origin, keyVariable: variable } = queue
    const client = vendorClient({ origin, variable, signal: stopping.signal }, context)
    const finishing = vendorClient({ origin, variable }, context)
    const puller = new Puller({
      queue,
      source,
      client,
      finishing,
      record,
      log: flags.follow === true ? told(log, context) : log,
    })
    if (flags.follow === true) {
      await puller.follow(stopping.signal, {
        pause: context.vendors?.pause ?? pauseWith,
        random: Math.random,
      })
      return EXIT.ok
    }
    const pulled = await puller.drain(stopping.signal)
    tell(queue, pulled, flags, context)
    return pulled.failure === undefined ? EXIT.ok : EXIT.failed
  } finally {
    forget()
    await inbox.close()
  }
}

/** What goes wrong while it follows is said as it happens. */
function told<T extends object>(
  log: T,
  { stderr }: CliContext,
): T & { warn(message: string, fields?: object): void } {
  return {
    ...log,
    warn: (message, fields) =>
      void stderr.write(`${escapeUnprintable(`${message} ${JSON.stringify(fields ?? {})}`, 1000)}\n`),
  }
}

function tell(
  { title }: PullQueue,
  pulled: Pulled,
  { json }: PullFlags,
  { stdout, stderr }: CliContext,
): void {
  if (json === true) return void stdout.write(`${JSON.stringify(pulled)}\n`)
  const { stored, duplicates, conflicts, skipped, acknowledged, failure } = pulled
  stdout.write(
    `${title}: ${stored} stored, ${duplicates} duplicates, ${conflicts} conflicts, ${skipped} left there, ${acknowledged} acknowledged\n`,
  )
  if (failure !== undefined) stderr.write(`error: ${title}: ${escapeUnprintable(failure)}\n`)
}
