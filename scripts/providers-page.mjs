// `npm run providers-page`: writes docs/providers.md from the catalogue, its vectors and the libraries that it is tried
// with. A test fails where the page is not what this makes.
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { providers } from 'postern/providers'

const root = new URL('../', import.meta.url)
const page = new URL('docs/providers.md', root)

/** Development dependencies that are providers' own libraries; `test/provider-sdks.test.ts` says for which providers. */
const LIBRARIES = [
  ['@linear/sdk', 'linear'],
  ['@mux/mux-node', 'mux'],
  ['@notionhq/client', 'notion, in both directions'],
  ['@octokit/webhooks-methods', 'github, in both directions'],
  ['@paddle/paddle-node-sdk', 'paddle'],
  ['@sanity/webhook', 'sanity, in both directions'],
  ['@workos-inc/node', 'workos, in both directions'],
  ['discord-interactions', 'discord'],
  ['razorpay', 'razorpay'],
  ['replicate', 'replicate'],
  ['standardwebhooks', 'standardwebhooks, gitlab, openai, polar and replicate, in both directions'],
  ['sns-validator', 'aws-sns'],
  ['stripe', 'stripe, in both directions'],
  ['svix', 'svix, clerk and resend, in both directions'],
]

export function providersPage() {
  return `# Providers

Written by \`npm run providers-page\` from \`packages/postern/src/providers/\`; a test holds it to that.

Each is a function of its name in \`postern/providers\`, such as \`stripe({ secret })\`; \`custom()\` takes the same data for a
sender of your own. *Proven*: an official example verifies, or an official library agrees with what is signed here.
*Documented*: the provider's own text says so. *Reported*: only others say so. Under "id", what stands in brackets is not
signed, so that a copy of the body is a duplicate whatever its id; "the body" means that its digest is the id.

| provider | verified by | id | fresh within | evidence | vectors |
| -------- | ----------- | -- | ------------ | -------- | ------- |
${providers.map(row).join('\n')}

## What each rests on

${providers.map(section).join('\n\n')}

## Libraries that it is tried with

Development dependencies only. Each accepts what is signed here; what it signs itself is verified here, where it can sign.

| library | version | for |
| ------- | ------- | --- |
${LIBRARIES.map(libraryRow).join('\n')}

## Not here yet, and why

- Handshakes that are not signed are not answered: those of Meta, X, Okta, Asana and Notion have to be completed by other means.
- Twilio signs the sorted form, or the URL with the body's digest in it, over several spellings of one URL.
- Mailgun and Adyen's payments have the signature in the body; Mailgun's leaves the event itself unsigned.
- Contentful lets the sender list what it signed.
- Dropbox sends the same bytes for every change of one account, which would be one event here.
- Azure Event Grid and Microsoft Graph authenticate by tokens or by members of an array in the body.

\`npm run vectors -- FILE.json\` checks signed requests of your own: an array of \`{ provider, secret, headers, body, expected }\`,
where wanted with \`method\`, \`url\` and \`now\` in Unix seconds. Keys that would be fetched stand in the vector as \`certPem\` or
\`jwks\`, or are its secret, in PEM; \`algorithm\` says what a message signature is made with.
`
}

function row(provider) {
  const { name, title, documentation, schemes, envelopes, evidence } = provider
  const cells = [
    `[${title}](${documentation}) \`${name}\``,
    [...new Set(schemes.map(describeScheme))].join('; '),
    idOf(envelopes, schemes),
    [...new Set(schemes.map(freshness))].join('; '),
    evidence.level,
    String(vectorsOf(name).length),
  ]
  return `| ${cells.join(' | ')} |`
}

const NAMES = {
  'hmac-sha1': 'HMAC-SHA1',
  'hmac-sha256': 'HMAC-SHA256',
  'hmac-sha512': 'HMAC-SHA512',
  sha256: 'SHA-256 of key and content',
  ed25519: 'Ed25519',
  'ecdsa-p256-sha256': 'ECDSA P-256',
  'rsa-sha256': 'RSA-SHA256',
}

/** Schemes that are no signature over parts of the request that they name, nor a secret in it. */
const OTHERS = {
  'rsa-certificate': ({ digest, signature }) =>
    `RSA-${digest.toUpperCase()} by a fetched certificate, ${signature.encoding}, \`${placeText(signature.at)}\``,
  jwt: ({ token }) => `a token (JWT, RS256) by fetched keys, \`${token.header}\``,
  'http-message-signature': () => 'HMAC-SHA256, Ed25519, ECDSA P-256, RSA-PSS or RSA-SHA256, `signature`',
}

function placeText(place) {
  return 'header' in place ? place.header : `${place.json.join('.')} of the body`
}

function describeScheme(scheme) {
  const { algorithm, secret, signature } = scheme
  if (algorithm in OTHERS) return OTHERS[algorithm](scheme)
  if (algorithm !== 'static-secret') {
    const first = signature.in[0].header
    return `${NAMES[algorithm]}, ${signature.encoding}, \`${first}\``
  }
  if ('json' in secret) return `the secret itself, \`${secret.json.join('.')}\` of the body`
  return `the secret itself, \`${secret.header}\``
}

function freshness({ timestamp, maxAgeSeconds }) {
  if (maxAgeSeconds !== undefined) return `its token: ${maxAgeSeconds} s`
  return timestamp === undefined ? 'no signed time' : `${timestamp.toleranceSeconds ?? 300} s`
}

function idOf(envelopes, schemes) {
  const ids = envelopes.map(({ id }) =>
    id.length === 0 ? 'the body' : id.map((place) => placeOf(place, schemes)).join(' + '),
  )
  return [...new Set(ids)].join('; ')
}

function placeOf(place, schemes) {
  if ('json' in place) {
    const text = `\`${place.json.join('.')}\``
    return schemes.every((scheme) => signsMember(scheme, place.json)) ? text : `[${text}]`
  }
  const isSigned = schemes.every(
    ({ id }) => id !== undefined && 'header' in id.in && id.in.header === place.header,
  )
  return isSigned ? `\`${place.header}\`` : `[\`${place.header}\`]`
}

/** Of a certified scheme only the members that it names; a token signs nothing of the body. */
function signsMember({ algorithm, content }, [name]) {
  if (algorithm === 'rsa-certificate') return content.some((part) => part.lines?.includes(name))
  return algorithm !== 'jwt'
}

function section({
  name,
  title,
  evidence,
  handshakes = [],
  rotation,
  redeliveryDays,
  senderTimeoutMs,
  undocumented = [],
}) {
  const lines = [
    `- ${evidence.level}: ${evidence.reason}`,
    ...handshakes.map(
      (handshake) => `- handshake: \`${handshake.name}\`, verified like an event, answered, and not stored`,
    ),
    ...(rotation === undefined ? [] : [`- rotation: ${rotation}`]),
    ...(redeliveryDays === undefined ? [] : [`- can be sent again for ${redeliveryDays} days`]),
    ...(senderTimeoutMs === undefined ? [] : [`- waits ${senderTimeoutMs / 1000} s for an answer`]),
    ...undocumented.map((what) => `- not documented: ${what}`),
    ...[...new Set(vectorsOf(name).map(({ source }) => source))].map((source) => `- vector: ${source}`),
  ]
  return `### ${title}\n\n${lines.join('\n')}`
}

function vectorsOf(name) {
  return JSON.parse(readFileSync(new URL(`vectors/${name}.json`, root), 'utf8'))
}

function libraryRow([name, what]) {
  const { devDependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  return `| ${name} | ${devDependencies[name]} | ${what} |`
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(page, providersPage())
}
