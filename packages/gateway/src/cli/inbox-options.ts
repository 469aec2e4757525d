import type { PosternOptions, Sources } from 'postern'
import type { GatewayConfig } from '../config/define-config.ts'
import { clientAddress } from '../observe/client-address.ts'
import type { Settings } from './settings.ts'

/** What of an inbox's options no configuration says, but the command line and the environment. */
export type InboxOptions = Pick<PosternOptions<Sources, never>, 'clientOf' | 'publicUrl'> &
  Pick<GatewayConfig, 'retentionMs'>

/** The options of the inbox that these settings are for. */
export function inboxOptions({ publicUrl, trustedProxies, retentionMs }: Settings): InboxOptions {
  return {
    ...(publicUrl !== undefined && { publicUrl }),
    ...(retentionMs !== undefined && { retentionMs }),
    clientOf: (request) => clientAddress(request, trustedProxies),
  }
}
