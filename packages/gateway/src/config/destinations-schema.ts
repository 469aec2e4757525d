import * as v from 'valibot'
import { destinationName, destinationSchema, dictionary, type DestinationOptions } from '../forward/index.ts'
import { isNotification, notificationSchema, type Notification } from '../notify/index.ts'

/** What events are sent on to: an endpoint that gets them as they came, or people who are told of them. */
export type AnyDestination = DestinationOptions | Notification

/** Checks destinations as a configuration gives them. */
export const destinationsSchema: v.GenericSchema<Readonly<Record<string, AnyDestination>>> = dictionary(
  destinationName,
  v.lazy((value): v.GenericSchema<AnyDestination> =>
    isNotification(value) ? notificationSchema : destinationSchema,
  ),
)
