/**
 * Sample events of every built-in provider. Apart from the providers, so that they never reach an app's bundle.
 *
 * @module
 */
import { animaSamples } from './anima.ts'
import { castaiNotificationSamples } from './castai-notifications.ts'
import { coreweaveAlertSamples } from './coreweave-alerts.ts'
import { figmaSamples } from './figma.ts'
import { adyenBankingSamples } from './adyen-banking.ts'
import { asanaSamples } from './asana.ts'
import { awsSnsSamples } from './aws-sns.ts'
import { basicAuthSamples } from './basic-auth.ts'
import { bitbucketSamples } from './bitbucket.ts'
import { boxSamples } from './box.ts'
import { calcomSamples } from './calcom.ts'
import { calendlySamples } from './calendly.ts'
import { clerkSamples } from './clerk.ts'
import { cloudeventsSamples } from './cloudevents.ts'
import { convoySamples } from './convoy.ts'
import { customerioSamples } from './customerio.ts'
import { discordSamples } from './discord.ts'
import { docusignSamples } from './docusign.ts'
import { elevenlabsSamples } from './elevenlabs.ts'
import { githubSamples } from './github.ts'
import { gitlabSamples } from './gitlab.ts'
import { gitlabTokenSamples } from './gitlab-token.ts'
import { googlePubsubSamples } from './google-pubsub.ts'
import { grafanaSamples } from './grafana.ts'
import { httpMessageSignaturesSamples } from './http-message-signatures.ts'
import { hubspotSamples } from './hubspot.ts'
import { hubspotV1Samples } from './hubspot-v1.ts'
import { hubspotV2Samples } from './hubspot-v2.ts'
import { intercomSamples } from './intercom.ts'
import { jiraSamples } from './jira.ts'
import { lemonsqueezySamples } from './lemonsqueezy.ts'
import { linearSamples } from './linear.ts'
import { metaSamples } from './meta.ts'
import { muxSamples } from './mux.ts'
import { notionSamples } from './notion.ts'
import { oktaSamples } from './okta.ts'
import { openaiSamples } from './openai.ts'
import { paddleSamples } from './paddle.ts'
import { pagerdutySamples } from './pagerduty.ts'
import { paypalSamples } from './paypal.ts'
import { polarSamples } from './polar.ts'
import { postmarkSamples } from './postmark.ts'
import { razorpaySamples } from './razorpay.ts'
import { replicateSamples } from './replicate.ts'
import { resendSamples } from './resend.ts'
import { sanitySamples } from './sanity.ts'
import { sendgridSamples } from './sendgrid.ts'
import { sentrySamples } from './sentry.ts'
import { shopifySamples } from './shopify.ts'
import { slackSamples } from './slack.ts'
import { squareSamples } from './square.ts'
import { standardWebhooksSamples } from './standardwebhooks.ts'
import { standardWebhooksV1aSamples } from './standardwebhooks-v1a.ts'
import { stripeSamples } from './stripe.ts'
import { svixSamples } from './svix.ts'
import { trelloSamples } from './trello.ts'
import { twitchSamples } from './twitch.ts'
import { typeformSamples } from './typeform.ts'
import { vercelSamples } from './vercel.ts'
import { webflowSamples } from './webflow.ts'
import { workosSamples } from './workos.ts'
import { xSamples } from './x.ts'
import { zendeskSamples } from './zendesk.ts'
import { zoomSamples } from './zoom.ts'
import { twilioSamples } from './twilio.ts'
import { mailgunSamples } from './mailgun.ts'
import { adyenSamples } from './adyen.ts'
import { contentfulSamples } from './contentful.ts'
import { dropboxSamples } from './dropbox.ts'
import { msgraphSamples } from './msgraph.ts'
import { eventgridEntraSamples } from './eventgrid-entra.ts'
import { eventgridSamples } from './eventgrid.ts'
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
  ['adyen-banking', adyenBankingSamples],
  ['asana', asanaSamples],
  ['aws-sns', awsSnsSamples],
  ['basic-auth', basicAuthSamples],
  ['bitbucket', bitbucketSamples],
  ['box', boxSamples],
  ['calcom', calcomSamples],
  ['calendly', calendlySamples],
  ['clerk', clerkSamples],
  ['cloudevents', cloudeventsSamples],
  ['convoy', convoySamples],
  ['customerio', customerioSamples],
  ['discord', discordSamples],
  ['docusign', docusignSamples],
  ['elevenlabs', elevenlabsSamples],
  ['github', githubSamples],
  ['gitlab', gitlabSamples],
  ['gitlab-token', gitlabTokenSamples],
  ['google-pubsub', googlePubsubSamples],
  ['grafana', grafanaSamples],
  ['http-message-signatures', httpMessageSignaturesSamples],
  ['hubspot', hubspotSamples],
  ['hubspot-v1', hubspotV1Samples],
  ['hubspot-v2', hubspotV2Samples],
  ['intercom', intercomSamples],
  ['jira', jiraSamples],
  ['lemonsqueezy', lemonsqueezySamples],
  ['linear', linearSamples],
  ['meta', metaSamples],
  ['mux', muxSamples],
  ['notion', notionSamples],
  ['okta', oktaSamples],
  ['openai', openaiSamples],
  ['paddle', paddleSamples],
  ['pagerduty', pagerdutySamples],
  ['paypal', paypalSamples],
  ['polar', polarSamples],
  ['postmark', postmarkSamples],
  ['razorpay', razorpaySamples],
  ['replicate', replicateSamples],
  ['resend', resendSamples],
  ['sanity', sanitySamples],
  ['sendgrid', sendgridSamples],
  ['sentry', sentrySamples],
  ['shopify', shopifySamples],
  ['slack', slackSamples],
  ['square', squareSamples],
  ['standardwebhooks', standardWebhooksSamples],
  ['standardwebhooks-v1a', standardWebhooksV1aSamples],
  ['stripe', stripeSamples],
  ['svix', svixSamples],
  ['trello', trelloSamples],
  ['twitch', twitchSamples],
  ['typeform', typeformSamples],
  ['vercel', vercelSamples],
  ['webflow', webflowSamples],
  ['workos', workosSamples],
  ['x', xSamples],
  ['zendesk', zendeskSamples],
  ['zoom', zoomSamples],
  ['twilio', twilioSamples],
  ['mailgun', mailgunSamples],
  ['adyen', adyenSamples],
  ['contentful', contentfulSamples],
  ['dropbox', dropboxSamples],
  ['msgraph', msgraphSamples],
  ['eventgrid', eventgridSamples],
  ['eventgrid-entra', eventgridEntraSamples],
])

/** The providers that also take the template's form, in which an event of any type can be made. */
const ofTemplate: ReadonlySet<string> = new Set(['vastai', 'castai', 'coreweave', 'anima'])

/** The sample of a type; where there is none, one of the template's form with that type. `undefined` for a provider without that form. */
export function sampleOf(provider: string, type: string): Sample | undefined {
  const known = samples.get(provider)?.find((sample) => sample.type === type)
  return known ?? (ofTemplate.has(provider) ? templateSample(provider, type) : undefined)
}
