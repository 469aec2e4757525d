import type { Sources } from 'postern'
import type { OutletParts } from '../forward/outlet.ts'
import type { Sender } from '../forward/sender.ts'
import type { ResolvedNotification } from './notify-options.ts'
import { NotifySender } from './notify-sender.ts'
import { Teller } from './teller.ts'

/** The senders of notifications: what is told of a source's events depends on who its provider is. */
export function notifications(
  resolved: readonly ResolvedNotification[],
  sources: Sources,
): (parts: OutletParts) => readonly Sender[] {
  const providers = new Map(Object.entries(sources).map(([name, { provider }]) => [name, provider.name]))
  return (parts) => resolved.map((each) => new NotifySender(each, new Teller(each, providers), parts))
}
