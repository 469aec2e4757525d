import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { templateEnvelope, templateScheme, type TemplateEvents } from './template.ts'

/** Cast AI, as the template has it. Its own notification webhooks are another source, `castaiNotifications()`. */
export const castaiProvider: Provider = {
  name: 'castai',
  title: 'Cast AI',
  documentation: 'https://docs.cast.ai/docs/setup-notification-webhook',
  evidence: {
    level: 'reported',
    reason: "only the template's guide has this scheme; Cast AI documents none",
  },
  schemes: [templateScheme('castai')],
  envelopes: [templateEnvelope],
}

/** A source for Cast AI that verifies the template's scheme. */
export function castai(options?: SourceOptions): Source<TemplateEvents> {
  return defineHmacSource<TemplateEvents>(castaiProvider, options)
}
