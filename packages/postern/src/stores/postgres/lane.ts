import { sha256 } from '../../core/crypto.ts'
import type { NewEvent } from '../../inbox/index.ts'

/**
 * The key of the lane that an event's delivery belongs to, in hexadecimal; `undefined` where no order was asked for. JSON
 * escapes what text cannot hold, and puts the parts apart.
 */
export function laneOf(
  { tenant, source, orderingKey, onDead }: Pick<NewEvent, 'tenant' | 'source' | 'orderingKey' | 'onDead'>,
  destination: string,
): string | undefined {
  if (orderingKey === undefined || onDead === undefined) return undefined
  return sha256(JSON.stringify([destination, tenant, source, orderingKey])).toString('hex', 0, 16)
}
