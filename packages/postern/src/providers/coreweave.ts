import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { templateEnvelope, templateScheme, type TemplateEvents } from './template.ts'

/** CoreWeave, as the template has it. CoreWeave Alerts are another source, `coreweaveAlerts()`. */
export const coreweaveProvider: Provider = {
  name: 'coreweave',
  title: 'CoreWeave',
  documentation: 'https://docs.coreweave.com/platform/coreweave-alerts',
  evidence: {
    level: 'reported',
    reason: "only the template's guide has this scheme; CoreWeave documents none",
  },
  schemes: [templateScheme('coreweave')],
  envelopes: [templateEnvelope],
}

/** A source for CoreWeave that verifies the template's scheme. */
export function coreweave(options?: SourceOptions): Source<TemplateEvents> {
  return defineHmacSource<TemplateEvents>(coreweaveProvider, options)
}
