// `npm run providers-page`: writes docs/providers.md from the catalogue, its vectors and the libraries that it is tried
// with. A test fails where the page is not what this makes.
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { providers } from 'postern/providers'

const root = new URL('../', import.meta.url)
const page = new URL('docs/providers.md', root)

/** Development dependencies that are providers' own libraries, and for which providers a test runs them. */
export const LIBRARIES = [
  ['@adyen/api-library', 'adyen and adyen-banking, in both directions'],
  ['@clerk/backend', 'clerk'],
  ['@contentful/node-apps-toolkit', 'contentful, in both directions'],
  ['@elevenlabs/elevenlabs-js', 'elevenlabs'],
  ['@hubspot/api-client', 'hubspot, hubspot-v1 and hubspot-v2, in both directions'],
  ['@linear/sdk', 'linear'],
  ['@mux/mux-node', 'mux'],
  ['@notionhq/client', 'notion, in both directions'],
  ['@octokit/webhooks-methods', 'github, in both directions'],
  ['@paddle/paddle-node-sdk', 'paddle'],
  ['@polar-sh/sdk', 'polar'],
  ['@sanity/webhook', 'sanity, in both directions'],
  ['@sendgrid/eventwebhook', 'sendgrid'],
  ['@shopify/shopify-api', 'shopify, in both directions'],
  ['@slack/bolt', 'slack'],
  ['@workos-inc/node', 'workos, in both directions'],
  ['@zoom/rivet', 'zoom, over HTTP, and its handshake'],
  ['box-node-sdk', 'box, in both directions'],
  ['discord-interactions', 'discord'],
  ['google-auth-library', 'google-pubsub, over tokens that a key of ours signs'],
  ['openai', 'openai'],
  ['razorpay', 'razorpay'],
  ['replicate', 'replicate'],
  ['resend', 'resend'],
  ['sns-validator', 'aws-sns'],
  ['square', 'square'],
  ['standardwebhooks', 'standardwebhooks, gitlab, openai, polar and replicate, in both directions'],
  ['stripe', 'stripe, in both directions'],
  ['svix', 'svix, clerk and resend, in both directions'],
  ['twilio', 'twilio, in both directions'],
  ['webflow-api', 'webflow'],
]

export function providersPage() {
  return `# Providers

Written by \`npm run providers-page\` from \`packages/postern/src/providers/\`; a test holds it to that.

Each is a function of its name in \`postern/providers\`, such as \`stripe({ secret })\`; \`custom()\` takes the same data for a
sender of your own. *Proven*: an official example verifies, or an official library agrees with what is signed here.
*Documented*: the provider's own text says so. *Reported*: only others say so. Under "id", what stands in brackets is not
signed, so that a copy of the body is a duplicate whatever its id; "the body" means that its digest is the id, and "each
arrival" that nothing is a duplicate.

"Answer within" is how long the sender waits, and "sends again for" how long after its first try it may send an event again,
of its own accord or when it is asked to: an event is remembered for seven days, or for as long where that is longer. That counts from
the first sight of its id, and a copy prolongs nothing: a sender that repeats itself without end, or anybody who replays, would keep
an id for ever. A dash
says that nothing is known of it; what comes from others than the provider, and where its pages contradict each other, is
said beside its data in \`packages/postern/src/providers/\`.

| provider | verified by | id | fresh within | answer within | sends again for | evidence | vectors |
| -------- | ----------- | -- | ------------ | ------------- | --------------- | -------- | ------- |
${providers.map(row).join('\n')}

## What each rests on

${providers.map(section).join('\n\n')}

## Handshakes

By some requests a provider asks whether somebody is there who wants its events. Those that it signs are verified first and
answered always. Those that nothing signs are answered only where the source's option \`handshake\` says so: an echo is plain
text and at most 1,024 characters, and nothing of it is stored or logged. They come by GET, HEAD or OPTIONS as well, which
other sources refuse with 405; an app that mounts one source routes those methods to it too (\`app.all\` in Express).

| provider | asks by | answered with | needs |
| -------- | ------- | ------------- | ----- |
${providers.flatMap(handshakeRows).join('\n')}

A secret that a handshake brings (Asana, Notion) is handed to \`handshake.keep\`, and the source verifies by it at once.
Nobody has signed it, so that a source takes its first secret so and no further one, unless \`keepMore\` says so behind a URL
that nobody else knows. With \`handshake: true\` \`postern dev\` keeps it in \`.postern/secrets.json\`, readable by its owner
only; \`serve\` and an app have to say who keeps it.

## Libraries that it is tried with

Development dependencies only. Each accepts what is signed here; what it signs itself is verified here, where it can sign.

| library | version | for |
| ------- | ------- | --- |
${LIBRARIES.map(libraryRow).join('\n')}

Three are older than they could be. google-auth-library 11 needs Node 22. @elevenlabs/elevenlabs-js 2.73.0 would bring 108 MB,
and square 46.0.0 79 MB; both were tried by hand, accept what is signed here and refuse it changed.

\`npm run vectors -- FILE.json\` checks signed requests of your own: an array of \`{ provider, secret, headers, body, expected }\`,
where wanted with \`method\`, \`url\` and \`now\` in Unix seconds. Keys that would be fetched stand in the vector as \`certPem\` or
\`jwks\`, or are its secret, in PEM; \`algorithm\` says what a message signature is made with.
`
}

function row(provider) {
  const { name, title, documentation, schemes, envelopes, evidence, everyArrival } = provider
  const { senderTimeoutMs, retryHorizonMs } = provider
  const cells = [
    `[${title}](${documentation}) \`${name}\``,
    [...new Set(schemes.map(describeScheme))].join('; '),
    everyArrival ? 'each arrival' : idOf(envelopes, schemes),
    [...new Set(schemes.map(freshness))].join('; '),
    senderTimeoutMs === undefined ? '–' : durationOf(senderTimeoutMs),
    retryHorizonMs === undefined ? '–' : durationOf(retryHorizonMs),
    evidence.level,
    String(vectorsOf(name).length),
  ]
  return `| ${cells.join(' | ')} |`
}

const UNITS = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
]

/** In days from two of them on, where they are whole; else in hours, minutes and seconds, such as `27 h 35 min 5 s`. */
function durationOf(ms) {
  if (ms === 0) return 'never'
  if (ms >= 172_800_000 && ms % 86_400_000 === 0) return `${ms / 86_400_000} days`
  const parts = UNITS.map(([unit, unitMs], at) => [
    Math.floor((at === 0 ? ms : ms % UNITS[at - 1][1]) / unitMs),
    unit,
  ])
  return parts
    .filter(([count]) => count > 0)
    .map((part) => part.join(' '))
    .join(' ')
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
  const { algorithm, secret, signature, each } = scheme
  if (algorithm in OTHERS) return OTHERS[algorithm](scheme)
  if (algorithm !== 'static-secret') {
    const [first] = signature.in
    const place =
      first.header ?? `${[...(each ?? []).map((name) => `${name}[]`), ...first.json].join('.')}\` of the body`
    return `${NAMES[algorithm]}, ${signature.encoding}, \`${place}${first.header === undefined ? '' : '`'}`
  }
  if ('query' in secret) return `the secret itself, \`${secret.query}\` of the URL`
  if ('each' in secret)
    return `the secret itself, \`${secret.each.join('.')}[].${secret.member.join('.')}\` of the body`
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
  if (schemes.every(({ signature }) => signature?.in.some(({ header }) => header === place.header)))
    return 'the signature'
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
  openHandshakes = [],
  warnings = [],
  rotation,
  undocumented = [],
}) {
  const lines = [
    `- ${evidence.level}: ${evidence.reason}`,
    ...handshakes.map(
      (handshake) => `- handshake: \`${handshake.name}\`, verified like an event, answered, and not stored`,
    ),
    ...openHandshakes.map(
      (handshake) => `- handshake: \`${handshake.name}\`, answered where the source says so, and not stored`,
    ),
    ...warnings.map((warning) => `- warning: ${warning}`),
    ...(rotation === undefined ? [] : [`- rotation: ${rotation}`]),
    ...undocumented.map((what) => `- not documented: ${what}`),
    ...[...new Set(vectorsOf(name).map(({ source }) => source))].map((source) => `- vector: ${source}`),
  ]
  return `### ${title}\n\n${lines.join('\n')}`
}

function handshakeRows({ name, handshakes = [], openHandshakes = [] }) {
  const signed = handshakes.map(({ when, reply }) => [
    name,
    `\`${when.equals}\` in \`${nameOf(when.in)}\``,
    replyOf(reply),
    'what its events have',
  ])
  const open = openHandshakes.map(({ method, when, token, secret, isAuthenticated, reply }) => [
    name,
    [method, ...when.map((condition) => `\`${nameOf(condition.in)}\``)].join(' '),
    replyOf(reply),
    `\`handshake\`${token === undefined ? '' : ' with its token'}${secret === undefined ? '' : ' with `keep`'}${isAuthenticated ? ', and the secret in the URL' : ''}`,
  ])
  return [...signed, ...open].map((cells) => `| ${cells.join(' | ')} |`)
}

function replyOf(reply) {
  if ('status' in reply) return String(reply.status)
  if ('visit' in reply) return `a visit to \`${nameOf(reply.visit)}\`, where \`confirm\` says so`
  if ('text' in reply) return `\`${nameOf(reply.text)}\` as text`
  if ('headers' in reply)
    return Object.keys(reply.headers)
      .map((header) => `\`${header}\``)
      .join(', ')
  return ['JSON', ...Object.keys(reply.json).map((member) => `\`${member}\``)].join(' ')
}

function nameOf(place) {
  return place.header ?? place.query ?? place.json.join('.')
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
