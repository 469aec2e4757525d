// `npm run vectors -- FILE.json`: checks signed requests of any origin through the public API. A file is an array of
// { provider, secret, headers, body, expected }, where wanted with method, url and now (Unix time in seconds). Keys that
// would be fetched stand in the vector: `certPem`, or the public key in PEM as the secret, or `jwks`; `algorithm` or
// `secretKind` says what a message signature is made with.
import { readFile } from 'node:fs/promises'
import * as jose from 'jose'
import { defineAnySource, isAuthentic, verify } from 'postern'
import { providers } from 'postern/providers'

const files = process.argv.slice(2)
if (files.length === 0) {
  console.error('Which files? npm run vectors -- FILE.json …')
  process.exit(2)
}

const results = []
for (const file of files) {
  for (const [index, vector] of (await vectorsIn(file)).entries()) {
    const verdict = await verdictOn(vector)
    const isAsExpected = verdict === 'valid' ? vector.expected === 'valid' : meets(vector.expected, verdict)
    results.push(isAsExpected)
    const found = isAsExpected ? verdict : `${verdict}, but expected ${vector.expected}`
    console.log(`${isAsExpected ? 'ok  ' : 'FAIL'} ${file} #${index} ${vector.provider}: ${found}`)
  }
}
const failures = results.filter((isAsExpected) => !isAsExpected).length
console.log(`${results.length - failures} of ${results.length} as expected`)
process.exitCode = failures === 0 && results.length > 0 ? 0 : 1

async function vectorsIn(file) {
  const vectors = JSON.parse(await readFile(file, 'utf8'))
  if (!Array.isArray(vectors)) throw new TypeError(`${file} is not an array of vectors`)
  return vectors
}

/** `valid`, or why not. */
async function verdictOn(vector) {
  const { provider: name, method, url, headers, body, now } = vector
  const provider = providers.find((each) => each.name === name)
  if (provider === undefined) return `no provider is called '${name}'`
  try {
    const source = sourceOf(provider, vector)
    const request = { method, url, headers: headers ?? {}, body: Buffer.from(body, 'utf8') }
    const clock = now === undefined ? Date.now : () => now * 1000
    const verdict = await verify(request, source, { now: clock })
    // Authentic, fresh, and not an event: several official examples sign a text that is no JSON.
    const isValid = verdict.ok || (verdict.reason === 'malformed_body' && isAuthentic(verdict.reason))
    return isValid ? 'valid' : verdict.reason
  } catch (error) {
    return error.message
  }
}

function sourceOf(provider, { secret, certPem, jwks, algorithm, secretKind = '' }) {
  const [scheme] = provider.schemes
  if (scheme.algorithm === 'http-message-signature') {
    const signedWith = algorithm ?? (secretKind.includes('ed25519') ? 'ed25519' : 'hmac-sha256')
    const key = { as: secret.startsWith('-----BEGIN') ? 'utf8' : 'base64' }
    // A vector is of a signature. What one has to cover is a receiver's policy, and not in it.
    const schemes = [{ ...scheme, signedWith, key, components: [] }]
    return defineAnySource({ ...provider, schemes }, { secret })
  }
  const isKey = secret.startsWith('-----BEGIN')
  const found = certPem ?? (jwks === undefined ? secret : JSON.stringify(jwks))
  const keys = { jose, fetch: async () => new Response(found) }
  const trusted = certPem === undefined ? {} : { trustedCertificates: [certPem] }
  const isExpected = isKey && scheme.algorithm === 'rsa-certificate'
  return defineAnySource(provider, { secret: isExpected ? '*' : secret }, { ...keys, ...trusted })
}

/** A refusal can be expected by its reason, or as `invalid`. */
function meets(expected, reason) {
  return expected === 'invalid' || expected === reason
}
