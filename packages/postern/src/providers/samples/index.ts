/**
 * Sample events of every built-in provider. Apart from the providers, so that they never reach an app's bundle.
 *
 * @module
 */
import { animaSamples } from './anima.ts'
import type { Sample } from './sample.ts'
import { templateSample, templateSamples } from './template.ts'
import { vastaiSamples } from './vastai.ts'

export type { Occurrence, Sample, SampleRequest } from './sample.ts'

/** The samples of each provider, by its name; the first is the one to show. */
export const samples: ReadonlyMap<string, readonly Sample[]> = new Map([
  ['vastai', vastaiSamples],
  ['castai', templateSamples('castai')],
  ['coreweave', templateSamples('coreweave')],
  ['anima', animaSamples],
])

/** The sample of a type; where there is none, one of the template's form with that type. `undefined` for an unknown provider. */
export function sampleOf(provider: string, type: string): Sample | undefined {
  const known = samples.get(provider)
  return known && (known.find((sample) => sample.type === type) ?? templateSample(provider, type))
}
