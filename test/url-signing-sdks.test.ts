/** Libraries of providers that sign the URL as well, against ours. */
import { signRequest as contentfulSign, verifyRequest } from '@contentful/node-apps-toolkit/requests'
import { Signature } from '@hubspot/api-client/lib/src/utils/signature.js'
import * as catalogue from 'postern/providers'
import { WebhooksHelper } from 'square'
import { NOW_MS, TEXT, tryLibraries, type Headers, type Library } from './support/provider-libraries.ts'

const PATH = '/webhooks/a?b=c%20d'
const URL = `https://app.example${PATH}`
/** Contentful's secrets have 64 characters. */
const LONG = '0123456789abcdef'.repeat(4)

tryLibraries([
  {
    library: 'square',
    provider: 'square',
    source: catalogue.square({ secret: TEXT, notificationUrl: URL }),
    accepts: (body, headers) =>
      WebhooksHelper.isValidWebhookEventSignature(
        body,
        headers['x-square-hmacsha256-signature'] ?? '',
        TEXT,
        URL,
      ),
  },
  hubspot('v1', 'hubspot-v1', catalogue.hubspotV1({ secret: TEXT })),
  hubspot('v2', 'hubspot-v2', catalogue.hubspotV2({ secret: TEXT })),
  hubspot('v3', 'hubspot', catalogue.hubspot({ secret: TEXT })),
  {
    library: '@contentful/node-apps-toolkit',
    provider: 'contentful',
    source: catalogue.contentful({ secret: LONG }),
    url: PATH,
    accepts: (body, headers) => verifyRequest(LONG, { method: 'POST', path: PATH, headers, body }),
    signs: (body) => ({ ...contentfulSign(LONG, { method: 'POST', path: PATH, body }, NOW_MS) }),
  },
])

function hubspot(version: 'v1' | 'v2' | 'v3', provider: string, source: Library['source']): Library {
  const request = (body: string, headers: Headers) => ({
    signatureVersion: version,
    signature: headers[version === 'v3' ? 'x-hubspot-signature-v3' : 'x-hubspot-signature'] ?? '',
    clientSecret: TEXT,
    requestBody: body,
    url: URL,
    method: 'POST',
    timestamp: Number(headers['x-hubspot-request-timestamp']),
  })
  return {
    library: '@hubspot/api-client',
    provider,
    source,
    url: URL,
    accepts: (body, headers) => Signature.isValid(request(body, headers)),
    signs: (body) => {
      const timestamp = { 'x-hubspot-request-timestamp': String(NOW_MS) }
      const signature = Signature.getSignature('POST', version, request(body, timestamp))
      return version === 'v3'
        ? { ...timestamp, 'x-hubspot-signature-v3': signature }
        : { 'x-hubspot-signature-version': version, 'x-hubspot-signature': signature }
    },
  }
}
