// `npm run vectors -- FILE.json`: checks signed requests of any origin through the public API. A file is an array of
// { provider, secret, headers, body, expected }, where wanted with method, url and now (Unix time in seconds).
import { readFile } from 'node:fs/promises'
import { defineSource, isAuthentic, verify } from 'postern'
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
async function verdictOn({ provider: name, secret, method, url, headers, body, now }) {
  const provider = providers.find((each) => each.name === name)
  if (provider === undefined) return `no provider is called '${name}'`
  try {
    const source = defineSource(provider, { secret })
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

/** A refusal can be expected by its reason, or as `invalid`. */
function meets(expected, reason) {
  return expected === 'invalid' || expected === reason
}
