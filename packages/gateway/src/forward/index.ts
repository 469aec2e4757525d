export type {
  DeliveryOptions,
  DestinationOptions,
  ResolvedDelivery,
  ResolvedDestination,
  Route,
} from './destination-options.ts'
export { destinationName, destinationSchema } from './destination-schema.ts'
export type { Filter } from './filter.ts'
export { Forwarding, type DestinationStatus } from './forwarding.ts'
export { dictionary } from './plain-object.ts'
export { isGlobal, networksOf } from './networks.ts'
