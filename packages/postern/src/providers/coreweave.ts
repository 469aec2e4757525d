import { defineSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { templateEnvelope, templateScheme, type TemplateEvents } from './template.ts'

/**
 * CoreWeave, as the template has it. CoreWeave Alerts can sign with a `signing_secret`, but its public text names
 * neither the header nor the signed content, so nothing is claimed of it here.
 */
export const coreweaveProvider: Provider = {
  name: 'coreweave',
  title: 'CoreWeave',
  documentation: 'https://docs.coreweave.com/platform/coreweave-alerts',
  schemes: [templateScheme('coreweave')],
  envelopes: [templateEnvelope],
}

/** A source for CoreWeave that verifies the template's scheme. */
export function coreweave(options?: SourceOptions): Source<TemplateEvents> {
  return defineSource<TemplateEvents>(coreweaveProvider, options)
}
