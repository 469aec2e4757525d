/**
 * What a message signature says of itself (RFC 9421 §2 and §2.3), read by expressions of the grammar, over a base that is put
 * together from a table: of each component that the request has, its line. Whatever the table has not is not in the request.
 */
import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import type { CheckResult } from '../../packages/postern/src/core/check.ts'
import { Keyring } from '../../packages/postern/src/core/keyring.ts'
import { messageSignatures } from '../../packages/postern/src/core/message-signature-method.ts'
import type { MessageSignatureScheme } from '../../packages/postern/src/core/scheme.ts'
import { almost } from './edits.ts'
import { BARE, DICTIONARY, ITEM, KEY, PARAMETERS } from './structured-fields.ts'

const NOW = 1_700_000_000
const TOLERANCE = 300
const SECRET = 'a secret of the fuzzer'
const TAG = 'hooks'
const REQUIRED = ['@method', 'x-d']
const HEADERS = ['Host', 'Example.com:443', 'X-A', ' one ', 'x-d', 'a=1, b=("x");q', 'X-A', 'two']

/** Every component of the request, as it is written, with its value. */
const LINES = new Map([
  ['"@method"', 'POST'],
  ['"@authority"', 'example.com'],
  ['"@scheme"', 'https'],
  ['"@path"', '/hooks'],
  ['"@query"', '?a=1&b=%20&c&c'],
  ['"@request-target"', '/hooks?a=1&b=%20&c&c'],
  ['"@target-uri"', 'https://example.com/hooks?a=1&b=%20&c&c'],
  ['"@query-param";name="a"', '1'],
  ['"@query-param";name="b"', '%20'],
  ['"host"', 'Example.com:443'],
  ['"host";bs', ':RXhhbXBsZS5jb206NDQz:'],
  ['"x-a"', 'one, two'],
  ['"x-a";bs', ':b25l:, :dHdv:'],
  ['"x-a";key="one"', '?1'],
  ['"x-a";key="two"', '?1'],
  ['"x-d"', 'a=1, b=("x");q'],
  ['"x-d";bs', ':YT0xLCBiPSgieCIpO3E=:'],
  ['"x-d";key="a"', '1'],
  ['"x-d";key="b"', '("x");q'],
])

const SCHEME: MessageSignatureScheme = {
  name: 'fuzzed',
  algorithm: 'http-message-signature',
  signedWith: 'hmac-sha256',
  key: { as: 'utf8' },
  components: REQUIRED,
  timestamp: { toleranceSeconds: TOLERANCE },
}
const KEYS = new Keyring([SECRET], { as: 'utf8' })

const component = fc.constantFrom(
  ...LINES.keys(),
  '"@method";req',
  '"@path";key="a"',
  '"@query-param"',
  '"@query-param";name="c"',
  '"@query-param";name="a";req',
  '"@status"',
  '"X-A"',
  '"x-a";sf',
  '"x-a";tr',
  '"x-a";bs=?0',
  '"x-a";bs;key="one"',
  '"x-d";key="c"',
  '"x-d";key=a',
  '"x-none"',
  'x-a',
)
const parameter = fc.constantFrom(
  ...[NOW - TOLERANCE - 1, NOW - TOLERANCE, NOW + TOLERANCE, NOW + TOLERANCE + 1].map(
    (second) => `;created=${second}`,
  ),
  `;created=${NOW}.5`,
  `;created="${NOW}"`,
  `;created=@${NOW}`,
  ';created',
  ...[NOW - 1, NOW, NOW + 1].map((second) => `;expires=${second}`),
  ';expires="never"',
  ';expires=?0',
  ';alg="hmac-sha256"',
  ';alg="ed25519"',
  ';alg=hmac-sha256',
  `;tag="${TAG}"`,
  `;tag=${TAG}`,
  ';tag="Hooks"',
  ';keyid="a;tag=\\"b\\""',
  ';nonce=:AQID:',
  ';other=-1.50',
)

/** Rightly made of parts that are not always right. */
const composed = fc
  .tuple(fc.array(component, { maxLength: 3 }), fc.array(parameter, { maxLength: 3 }), fc.boolean())
  .map(
    ([components, parameters, isRightFirst]) =>
      `sig=("@method" "x-d"${components.map((each) => ` ${each}`).join('')})` +
      (isRightFirst
        ? `;created=${NOW};tag="${TAG}"${parameters.join('')}`
        : `${parameters.join('')};created=${NOW};tag="${TAG}"`),
  )

const SEEDS = [
  `sig=("@method" "x-d");created=${NOW};expires=${NOW};keyid="k";alg="hmac-sha256";nonce="n";tag="${TAG}"`,
  `sig=("x-d";key="a" "x-d" "@authority" "@path"  "@method" );created=${NOW - TOLERANCE};tag="${TAG}"`,
  `sig=( "@query-param";name="b" "@method" "x-d" "x-a";bs);tag="${TAG}";created=${NOW + TOLERANCE}`,
  `sig=("@method" "x-d";key="a" "@query-param";name="a");created=${NOW};tag="${TAG}"`,
  `sig=("@method";req "x-d" "@target-uri");created=${NOW};expires=${NOW + 1};tag="${TAG}"`,
  `sig=("@method" "@query" "x-d" "host");tag="${TAG}"; created=${NOW};alg="hmac-sha256"`,
]

export const messageSignatureInputs = fc.record({
  text: fc.oneof(almost(SEEDS), composed),
  isTagged: fc.boolean(),
  isForged: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
})

interface Drawn {
  /** The `Signature-Input` header. */
  readonly text: string
  /** The receiver wants its own tag. */
  readonly isTagged: boolean
  /** The signature is over something else. */
  readonly isForged: boolean
}

/** What is wrong with what is made of a signature; `undefined` where nothing is. */
export function wrongInMessageSignature({ text, isTagged, isForged }: Drawn): string | undefined {
  const said = readSaid(text)
  const base = said && baseOf(said)
  const signature = createHmac('sha256', SECRET)
    .update(`${base ?? text}${isForged ? ' ' : ''}`)
    .digest('base64')
  const headers = [...HEADERS, 'Signature-Input', text, 'Signature', `sig=:${signature}:`]
  const request = { method: 'POST', url: '/hooks?a=1&b=%20&c&c', headers, body: Buffer.alloc(0) }
  const scheme = isTagged ? { ...SCHEME, tag: TAG } : SCHEME
  const found = messageSignatures.check(scheme, KEYS, request, { nowMs: NOW * 1000 + 999 })
  const right = said === undefined ? rightWithoutSaid(text, found) : rightOf(said, base, isTagged, isForged)
  const outcome = found.ok ? 'accepted' : found.reason
  return outcome === right ? undefined : `${outcome} in place of ${right}`
}

/** What one signature covers and says of itself, each written as RFC 9651 §4.1 has it. */
interface Said {
  readonly label: string
  readonly components: readonly string[]
  /** Each name once, in the place where it came first, with the value that came last. */
  readonly parameters: ReadonlyMap<string, string>
}

const ONE_LIST = new RegExp(`^ *(${KEY})=\\( *((?:${ITEM}(?: +${ITEM})*)?) *\\)(${PARAMETERS})[ \t]*$`)
const ONE_OF_ITEMS = new RegExp(`(${BARE})(${PARAMETERS})(?: +|$)`, 'gy')
const ONE_PARAMETER = new RegExp(`; *(${KEY})(?:=(${BARE}))?(?=;|$)`, 'gy')

/** Of a header with one list; `undefined` for any other, and for values whose form an expression cannot tell. */
function readSaid(text: string): Said | undefined {
  const [, label = '', inside = '', parameters = ''] = ONE_LIST.exec(text) ?? []
  const outsideOfStrings = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').replaceAll(':AQID:', '')
  if (label === '' || /[:%]/.test(outsideOfStrings)) return undefined
  const components = Array.from(
    inside.matchAll(ONE_OF_ITEMS),
    ([, bare = '', of = '']) => `${canonical(bare)}${parametersText(readParameters(of))}`,
  )
  return { label, components, parameters: readParameters(parameters) }
}

function readParameters(text: string): ReadonlyMap<string, string> {
  const found = text.matchAll(ONE_PARAMETER)
  return new Map(Array.from(found, ([, key = '', bare = '?1']) => [key, canonical(bare)]))
}

/** A number without what does not count. */
function canonical(bare: string): string {
  if (/^@?-?[0-9]+$/.test(bare)) {
    const digits = BigInt(bare.replace('@', ''))
    return `${bare.startsWith('@') ? '@' : ''}${digits}`
  }
  if (!/^-?[0-9]+\./.test(bare)) return bare
  const sign = bare.startsWith('-') && Number(bare) !== 0 ? '-' : ''
  const [whole = '', fraction = ''] = bare.replace('-', '').split('.')
  return `${sign}${BigInt(whole)}.${fraction.replace(/0+$/, '') || '0'}`
}

function parametersText(parameters: ReadonlyMap<string, string>): string {
  return [...parameters].map(([key, value]) => `;${key}${value === '?1' ? '' : `=${value}`}`).join('')
}

/** RFC 9421 §2.5; `undefined` where a component is not in the request, or comes twice. */
function baseOf({ components, parameters }: Said): string | undefined {
  if (new Set(components).size < components.length) return undefined
  if (!components.every((each) => LINES.has(each))) return undefined
  const lines = components.map((each) => `${each}: ${LINES.get(each)}\n`).join('')
  return `${lines}"@signature-params": (${components.join(' ')})${parametersText(parameters)}`
}

/** What a receiver has to answer (§3.2), in the order in which it is asked. */
function rightOf(
  { label, components, parameters }: Said,
  base: string | undefined,
  isTagged: boolean,
  isForged: boolean,
): string {
  const [created, expires] = [parameters.get('created'), parameters.get('expires')]
  const algorithm = parameters.get('alg') ?? '"hmac-sha256"'
  if (label !== 'sig' || algorithm !== '"hmac-sha256"') return 'malformed_header'
  if (isTagged && parameters.get('tag') !== `"${TAG}"`) return 'malformed_header'
  if (created === undefined) return 'missing_header'
  if (![created, expires ?? '0'].every((each) => /^-?[0-9]+$/.test(each))) return 'malformed_timestamp'
  if (!REQUIRED.every((each) => components.includes(`"${each}"`))) return 'not_covered'
  if (base === undefined) return 'missing_content'
  if (isForged) return 'signature_mismatch'
  if (expires !== undefined && Number(expires) < NOW) return 'stale'
  if (Number(created) < NOW - TOLERANCE) return 'stale'
  return Number(created) > NOW + TOLERANCE ? 'future' : 'accepted'
}

/** Of a header with no list that could be read: only what is no dictionary at all is known to be refused, and why. */
function rightWithoutSaid(text: string, found: CheckResult): string {
  if (found.ok) return 'refused'
  if (/^ *$/.test(text)) return 'missing_header'
  return DICTIONARY.test(text) ? found.reason : 'malformed_header'
}
