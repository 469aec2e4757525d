import { escapeUnprintable } from '../observe/escape.ts'
import { pauseWith } from '../vendors/api-client.ts'
import {
  reconcile as look,
  type Change,
  type Reconciled,
  type Reconciliation,
} from '../vendors/reconciling.ts'
import { vastaiInstances } from '../vendors/vastai/vastai-instances.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-code.ts'
import { openInbox, type InboxFlags } from './open-inbox.ts'
import { UsageError } from './usage-error.ts'
import { vendorClient } from './vendor-access.ts'

export interface ReconcileFlags extends InboxFlags {
  readonly json?: boolean
}

/** Those that need no configuration, by the source that they are usually called. */
const USUAL: Readonly<Record<string, () => Reconciliation>> = { vastai: vastaiInstances }

/** `postern reconcile`: looks once at what a vendor's API says, and records what no webhook told. */
export async function reconcile(source: string, flags: ReconcileFlags, context: CliContext): Promise<number> {
  const inbox = await openInbox(flags, context)
  try {
    const { config, record, store } = inbox
    const usual = Object.hasOwn(USUAL, source) ? USUAL[source]?.() : undefined
    const reconciliation = config.reconcile?.[source] ?? usual
    if (reconciliation === undefined || !Object.hasOwn(config.sources, source)) {
      throw new UsageError(
        `There is nothing to reconcile '${escapeUnprintable(source)}' with: name it in postern.config.ts under reconcile`,
      )
    }
    const { origin, keyVariable: variable } = reconciliation
    const client = vendorClient({ origin, variable }, context)
    const pause = context.vendors?.pause ?? pauseWith
    const looked = await look({ reconciliation, source, client, record, store, now: context.now, pause })
    tell(reconciliation, looked, flags, context)
    return looked.ok ? EXIT.ok : EXIT.failed
  } finally {
    await inbox.close()
  }
}

function tell(
  { title, kind }: Reconciliation,
  looked: Reconciled,
  { json }: ReconcileFlags,
  { stdout, stderr }: CliContext,
): void {
  if (json === true) return void stdout.write(`${JSON.stringify(looked)}\n`)
  if (!looked.ok) return void stderr.write(`error: ${title}: ${escapeUnprintable(looked.message)}\n`)
  const { isFirst, seen, recorded, told } = looked
  for (const change of recorded) stdout.write(`${escapeUnprintable(changeText(kind, change))}\n`)
  stdout.write(
    isFirst
      ? `${title}: ${seen} ${kind}s seen for the first time, and remembered; changes are recorded from now on\n`
      : `${title}: ${seen} ${kind}s seen, ${recorded.length} changes recorded that no webhook told, ${told} that one did\n`,
  )
}

function changeText(kind: string, { id, what, from, to }: Change): string {
  return `reconciled.${kind}_${what}  ${id}  ${from ?? 'new'} -> ${to ?? 'gone'}`
}
