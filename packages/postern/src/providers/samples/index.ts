/**
 * Sample events of every built-in provider. Apart from the providers, so that they never reach an app's bundle.
 *
 * @module
 */
import { animaSamples } from './anima.ts'
import { castaiNotificationSamples } from './castai-notifications.ts'
import { coreweaveAlertSamples } from './coreweave-alerts.ts'
import { figmaSamples } from './figma.ts'
import type { Sample } from './sample.ts'
import { templateSample, templateSamples } from './template.ts'
import { vastaiSamples } from './vastai.ts'
import { wandbSamples } from './wandb.ts'

export type { Occurrence, Sample, SampleRequest } from './sample.ts'

/** The samples of each provider, by its name; the first is the one to show. */
export const samples: ReadonlyMap<string, readonly Sample[]> = new Map([
  ['vastai', vastaiSamples],
  ['castai', templateSamples('castai')],
  ['coreweave', templateSamples('coreweave')],
  ['anima', animaSamples],
  ['castai-notifications', castaiNotificationSamples],
  ['coreweave-alerts', coreweaveAlertSamples],
  ['wandb', wandbSamples],
  ['figma', figmaSamples],
])

/** The providers that also take the template's form, in which an event of any type can be made. */
const ofTemplate: ReadonlySet<string> = new Set(['vastai', 'castai', 'coreweave', 'anima'])

/** The sample of a type; where there is none, one of the template's form with that type. `undefined` for a provider without that form. */
export function sampleOf(provider: string, type: string): Sample | undefined {
  const known = samples.get(provider)?.find((sample) => sample.type === type)
  return known ?? (ofTemplate.has(provider) ? templateSample(provider, type) : undefined)
}
