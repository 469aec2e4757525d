import { eventgridSamples } from './eventgrid.ts'
import type { Sample } from './sample.ts'

/** The same events, by a token. */
export const eventgridEntraSamples: readonly Sample[] = eventgridSamples.map((sample) => ({
  ...sample,
  scheme: 'entra-token',
}))
