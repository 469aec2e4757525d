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

/** What a vector has as text. */
const TEXTS = ['provider', 'secret', 'body', 'expected']

const results = []
for (const file of files) {
  const read = await vectorsIn(file)
  if (read.problem !== undefined) tell(false, `${file}: ${read.problem}`)
  for (const [index, vector] of (read.vectors ?? []).entries()) {
    const where = `${file} #${index}`
    const problem = problemOf(vector)
    if (problem !== undefined) {
      tell(false, `${where}: ${problem}`)
      continue
    }
    const verdict = await verdictOn(vector)
    const isAsExpected = verdict === 'valid' ? vector.expected === 'valid' : meets(vector.expected, verdict)
    const found = isAsExpected ? verdict : `${verdict}, but expected ${vector.expected}`
    tell(isAsExpected, `${where} ${vector.provider}: ${found}`)
  }
}
const failures = results.filter((isAsExpected) => !isAsExpected).length
console.log(`${results.length - failures} of ${results.length} as expected`)
process.exitCode = failures === 0 && results.length > 0 ? 0 : 1

function tell(isAsExpected, line) {
  results.push(isAsExpected)
  console.log(`${isAsExpected ? 'ok  ' : 'FAIL'} ${line}`)
}

/** The file's vectors, or why there are none. */
async function vectorsIn(file) {
  const text = await readFile(file, 'utf8').catch((error) => error)
  if (text instanceof Error) return { problem: `cannot be read: ${text.message}` }
  let vectors
  try {
    vectors = JSON.parse(text)
  } catch (error) {
    // Not the message: it quotes the file, which has secrets in it.
    return { problem: `is not JSON ${/at position \d+/.exec(error.message)?.[0] ?? ''}`.trimEnd() }
  }
  return Array.isArray(vectors) ? { vectors } : { problem: 'is not an array of vectors' }
}

/** What a vector lacks to be one. */
function problemOf(vector) {
  if (typeof vector !== 'object' || vector === null || Array.isArray(vector)) return 'is not an object'
  const missing = TEXTS.filter((field) => typeof vector[field] !== 'string')
  if (missing.length > 0) return `has no text for ${missing.join(', ')}`
  const { headers = {} } = vector
  return typeof headers === 'object' && headers !== null ? undefined : 'has no object for headers'
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
