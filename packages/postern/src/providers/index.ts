/**
 * The catalogue: who sends, as data.
 *
 * @module
 */
import type { Provider } from '../core/index.ts'
import { animaProvider } from './anima.ts'
import { castaiNotificationsProvider } from './castai-notifications.ts'
import { castaiProvider } from './castai.ts'
import { coreweaveAlertsProvider } from './coreweave-alerts.ts'
import { coreweaveProvider } from './coreweave.ts'
import { figmaProvider } from './figma.ts'
import { vastaiProvider } from './vastai.ts'
import { wandbProvider } from './wandb.ts'
import { githubProvider } from './github.ts'
import { gitlabProvider } from './gitlab.ts'
import { gitlabTokenProvider } from './gitlab-token.ts'
import { bitbucketProvider } from './bitbucket.ts'
import { jiraProvider } from './jira.ts'
import { shopifyProvider } from './shopify.ts'
import { stripeProvider } from './stripe.ts'
import { slackProvider } from './slack.ts'
import { standardWebhooksProvider } from './standardwebhooks.ts'
import { svixProvider } from './svix.ts'
import { clerkProvider } from './clerk.ts'
import { resendProvider } from './resend.ts'
import { openaiProvider } from './openai.ts'
import { replicateProvider } from './replicate.ts'
import { polarProvider } from './polar.ts'
import { linearProvider } from './linear.ts'
import { paddleProvider } from './paddle.ts'
import { sanityProvider } from './sanity.ts'
import { razorpayProvider } from './razorpay.ts'
import { muxProvider } from './mux.ts'
import { pagerdutyProvider } from './pagerduty.ts'
import { workosProvider } from './workos.ts'
import { notionProvider } from './notion.ts'
import { boxProvider } from './box.ts'
import { convoyProvider } from './convoy.ts'
import { zoomProvider } from './zoom.ts'
import { elevenlabsProvider } from './elevenlabs.ts'
import { zendeskProvider } from './zendesk.ts'
import { twitchProvider } from './twitch.ts'
import { docusignProvider } from './docusign.ts'
import { asanaProvider } from './asana.ts'
import { postmarkProvider } from './postmark.ts'
import { oktaProvider } from './okta.ts'
import { adyenBankingProvider } from './adyen-banking.ts'
import { sentryProvider } from './sentry.ts'
import { grafanaProvider } from './grafana.ts'
import { hubspotProvider } from './hubspot.ts'
import { squareProvider } from './square.ts'
import { trelloProvider } from './trello.ts'
import { intercomProvider } from './intercom.ts'
import { metaProvider } from './meta.ts'
import { lemonsqueezyProvider } from './lemonsqueezy.ts'
import { vercelProvider } from './vercel.ts'
import { typeformProvider } from './typeform.ts'
import { calendlyProvider } from './calendly.ts'
import { xProvider } from './x.ts'
import { calcomProvider } from './calcom.ts'
import { customerioProvider } from './customerio.ts'
import { webflowProvider } from './webflow.ts'
import { basicAuthProvider } from './basic-auth.ts'
import { cloudeventsProvider } from './cloudevents.ts'
import { standardWebhooksV1aProvider } from './standardwebhooks-v1a.ts'
import { discordProvider } from './discord.ts'
import { sendgridProvider } from './sendgrid.ts'
import { awsSnsProvider } from './aws-sns.ts'
import { googlePubsubProvider } from './google-pubsub.ts'
import { httpMessageSignaturesProvider } from './http-message-signatures.ts'
import { paypalProvider } from './paypal.ts'
import { hubspotV1Provider } from './hubspot-v1.ts'
import { hubspotV2Provider } from './hubspot-v2.ts'
import { twilioProvider } from './twilio.ts'
import { mailgunProvider } from './mailgun.ts'
import { adyenProvider } from './adyen.ts'
import { contentfulProvider } from './contentful.ts'
import { dropboxProvider } from './dropbox.ts'
import { msgraphProvider } from './msgraph.ts'
import { eventgridEntraProvider } from './eventgrid-entra.ts'
import { eventgridProvider } from './eventgrid.ts'

export { anima, type AnimaEvents, type AnimaLabsEventType, type AnimaLabsNotification } from './anima.ts'
export type { BodyPaths } from './body-paths.ts'
export {
  CASTAI_NOTIFICATION_TEMPLATE,
  castaiNotifications,
  type CastaiNotification,
  type CastaiNotificationEvents,
  type CastaiNotificationsOptions,
} from './castai-notifications.ts'
export { castai } from './castai.ts'
export {
  coreweaveAlerts,
  type CoreweaveAlertsFormat,
  type CoreweaveAlertsOptions,
} from './coreweave-alerts.ts'
export { coreweave } from './coreweave.ts'
export { custom, type CustomOptions } from './custom.ts'
export {
  figma,
  type FigmaEvents,
  type FigmaFileEventType,
  type FigmaFileNotification,
  type FigmaNotification,
} from './figma.ts'
export { github, type GithubEvents, type GithubEventType } from './github.ts'
export { gitlab, type GitlabEvents, type GitlabEventType } from './gitlab.ts'
export { gitlabToken } from './gitlab-token.ts'
export { bitbucket, type BitbucketEvents, type BitbucketEventType } from './bitbucket.ts'
export { jira, type JiraEvents, type JiraEventType } from './jira.ts'
export { shopify, type ShopifyEvents, type ShopifyEventType } from './shopify.ts'
export { stripe, type StripeEvents, type StripeEventType } from './stripe.ts'
export { slack, type SlackEvents, type SlackEventType } from './slack.ts'
export { standardWebhooks } from './standardwebhooks.ts'
export { svix } from './svix.ts'
export { clerk, type ClerkEvents, type ClerkEventType } from './clerk.ts'
export { resend, type ResendEvents, type ResendEventType } from './resend.ts'
export { openai, type OpenaiEvents, type OpenaiEventType } from './openai.ts'
export { replicate, type ReplicateEvents, type ReplicateEventType } from './replicate.ts'
export { polar, type PolarEvents, type PolarEventType } from './polar.ts'
export { linear, type LinearEvents, type LinearEventType } from './linear.ts'
export { paddle, type PaddleEvents, type PaddleEventType } from './paddle.ts'
export { sanity, type SanityEvents, type SanityEventType } from './sanity.ts'
export { razorpay, type RazorpayEvents, type RazorpayEventType } from './razorpay.ts'
export { mux, type MuxEvents, type MuxEventType } from './mux.ts'
export { pagerduty, type PagerdutyEvents, type PagerdutyEventType } from './pagerduty.ts'
export { workos, type WorkosEvents, type WorkosEventType } from './workos.ts'
export { notion, type NotionEvents, type NotionEventType, type NotionOptions } from './notion.ts'
export { box, type BoxEvents, type BoxEventType } from './box.ts'
export { convoy } from './convoy.ts'
export { zoom, type ZoomEvents, type ZoomEventType } from './zoom.ts'
export { elevenlabs, type ElevenlabsEvents, type ElevenlabsEventType } from './elevenlabs.ts'
export { zendesk } from './zendesk.ts'
export { twitch, type TwitchEvents, type TwitchEventType } from './twitch.ts'
export { docusign, type DocusignEvents, type DocusignEventType } from './docusign.ts'
export { asana, type AsanaOptions } from './asana.ts'
export { postmark, type PostmarkEvents, type PostmarkEventType } from './postmark.ts'
export { okta, type OktaOptions } from './okta.ts'
export { adyenBanking } from './adyen-banking.ts'
export { sentry, type SentryEvents, type SentryEventType } from './sentry.ts'
export { grafana, type GrafanaEvents, type GrafanaEventType, type GrafanaOptions } from './grafana.ts'
export { hubspot, type HubspotOptions } from './hubspot.ts'
export { square, type SquareEvents, type SquareEventType, type SquareOptions } from './square.ts'
export { trello, type TrelloEvents, type TrelloEventType, type TrelloOptions } from './trello.ts'
export { intercom, type IntercomEvents, type IntercomEventType } from './intercom.ts'
export { meta, type MetaEvents, type MetaEventType, type MetaOptions } from './meta.ts'
export { lemonsqueezy, type LemonsqueezyEvents, type LemonsqueezyEventType } from './lemonsqueezy.ts'
export { vercel, type VercelEvents, type VercelEventType } from './vercel.ts'
export { typeform, type TypeformEvents, type TypeformEventType } from './typeform.ts'
export { calendly, type CalendlyEvents, type CalendlyEventType } from './calendly.ts'
export { x, type XOptions } from './x.ts'
export { calcom, type CalcomEvents, type CalcomEventType } from './calcom.ts'
export { customerio, type CustomerioEvents, type CustomerioEventType } from './customerio.ts'
export { webflow, type WebflowEvents, type WebflowEventType } from './webflow.ts'
export { basicAuth, type BasicAuthOptions } from './basic-auth.ts'
export { cloudevents, type CloudeventsOptions } from './cloudevents.ts'
export { standardWebhooksV1a } from './standardwebhooks-v1a.ts'
export { discord, type DiscordEvents, type DiscordEventType } from './discord.ts'
export { sendgrid } from './sendgrid.ts'
export { awsSns, type AwsSnsEvents, type AwsSnsEventType, type AwsSnsOptions } from './aws-sns.ts'
export { googlePubsub, type GooglePubsubEvents, type GooglePubsubOptions } from './google-pubsub.ts'
export { httpMessageSignatures, type HttpMessageSignaturesOptions } from './http-message-signatures.ts'
export { paypal, type PaypalEvents, type PaypalEventType, type PaypalOptions } from './paypal.ts'
export { hubspotV1 } from './hubspot-v1.ts'
export { hubspotV2, type HubspotV2Options } from './hubspot-v2.ts'
export { twilio, type TwilioEvents, type TwilioEventType, type TwilioOptions } from './twilio.ts'
export { mailgun, type MailgunEvents, type MailgunEventType } from './mailgun.ts'
export { adyen, type AdyenEvents, type AdyenEventType } from './adyen.ts'
export {
  contentful,
  type ContentfulEvents,
  type ContentfulEventType,
  type ContentfulOptions,
} from './contentful.ts'
export { dropbox, type DropboxOptions } from './dropbox.ts'
export { msgraph, type MsgraphOptions } from './msgraph.ts'
export { eventgridEntra, type EventgridEntraOptions } from './eventgrid-entra.ts'
export { eventgrid, type EventgridOptions } from './eventgrid.ts'
export type { JsonBody } from './json-body.ts'
export type { TemplateData, TemplateEvents } from './template.ts'
export { vastai, type VastaiEvents, type VastNotification, type VastNotificationType } from './vastai.ts'
export { wandb, type WandbEvents, type WandbOptions, type WandbPayload } from './wandb.ts'

/** The four whose guides share the webhook template: what the gateway serves without a configuration. */
export const templateProviders: readonly Provider[] = [
  vastaiProvider,
  castaiProvider,
  coreweaveProvider,
  animaProvider,
]

/** Every built-in provider. Without a spread, which would keep bundlers from dropping what an app does not use. */
export const providers: readonly Provider[] = [
  vastaiProvider,
  castaiProvider,
  coreweaveProvider,
  animaProvider,
  castaiNotificationsProvider,
  coreweaveAlertsProvider,
  wandbProvider,
  figmaProvider,
  adyenProvider,
  adyenBankingProvider,
  asanaProvider,
  awsSnsProvider,
  basicAuthProvider,
  bitbucketProvider,
  boxProvider,
  calcomProvider,
  calendlyProvider,
  clerkProvider,
  cloudeventsProvider,
  contentfulProvider,
  convoyProvider,
  customerioProvider,
  discordProvider,
  docusignProvider,
  dropboxProvider,
  elevenlabsProvider,
  eventgridProvider,
  eventgridEntraProvider,
  githubProvider,
  gitlabProvider,
  gitlabTokenProvider,
  googlePubsubProvider,
  grafanaProvider,
  httpMessageSignaturesProvider,
  hubspotProvider,
  hubspotV1Provider,
  hubspotV2Provider,
  intercomProvider,
  jiraProvider,
  lemonsqueezyProvider,
  linearProvider,
  mailgunProvider,
  metaProvider,
  msgraphProvider,
  muxProvider,
  notionProvider,
  oktaProvider,
  openaiProvider,
  paddleProvider,
  pagerdutyProvider,
  paypalProvider,
  polarProvider,
  postmarkProvider,
  razorpayProvider,
  replicateProvider,
  resendProvider,
  sanityProvider,
  sendgridProvider,
  sentryProvider,
  shopifyProvider,
  slackProvider,
  squareProvider,
  standardWebhooksProvider,
  standardWebhooksV1aProvider,
  stripeProvider,
  svixProvider,
  trelloProvider,
  twilioProvider,
  twitchProvider,
  typeformProvider,
  vercelProvider,
  webflowProvider,
  workosProvider,
  xProvider,
  zendeskProvider,
  zoomProvider,
]
