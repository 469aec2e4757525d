import { generateKeyPairSync, sign } from 'node:crypto'
import { header, mac, NOW_SECONDS, SIGNATURE_HEADER, signed, withHeader } from './senders.mjs'

const ALL = ['standard', 'stripe', 'github']
const UTF8_KEYS = ['stripe', 'github']
const genuine = Object.fromEntries(ALL.map((sender) => [sender, signed(sender)]))

/** One input for each of the senders. */
const each = (senders, what, make) => senders.map((sender) => ({ what, sender, ...make(sender) }))

/** The genuine request of a sender with another value in its signature header. */
const resigned = (sender, change) => withHeader(genuine[sender], SIGNATURE_HEADER[sender], change)

/** The signature as it is written, without what stands before it. */
const encoded = (sender) => /[^=,]*=*$/.exec(header(genuine[sender], SIGNATURE_HEADER[sender]))[0]

/** A request with its encoded signature written in another way. */
const rewritten = (sender, change) => resigned(sender, (value) => value.replace(encoded(sender), change))

const SPELLINGS = {
  standard: [
    ['without its padding', (text) => text.replaceAll('=', '')],
    ['in the alphabet of base64url', (text) => text.replaceAll('+', '-').replaceAll('/', '_')],
    ['with bits beyond its last byte', (text) => text.replace(/.=$/, (end) => `${next(end[0])}=`)],
    ['with a line break inside', (text) => `${text.slice(0, 9)}\n${text.slice(9)}`],
    ['with junk inside', (text) => `${text.slice(0, 9)}!${text.slice(9)}`],
    ['with junk behind the padding', (text) => `${text}AAAA`],
    ['in hex', (text) => Buffer.from(text, 'base64').toString('hex')],
  ],
  stripe: [
    ['with one digit more', (text) => `${text}0`],
    ['with junk behind it', (text) => `${text}zz`],
    ['with junk inside', (text) => `${text.slice(0, 10)}zz${text.slice(10)}`],
    ['in base64', (text) => Buffer.from(text, 'hex').toString('base64')],
    ['with 0x before it', (text) => `0x${text}`],
    ['with white space inside', (text) => `${text.slice(0, 10)} ${text.slice(10)}`],
  ],
  github: [
    ['with one digit more', (text) => `${text}0`],
    ['with junk behind it', (text) => `${text}zz`],
    ['with junk inside', (text) => `${text.slice(0, 10)}zz${text.slice(10)}`],
    ['in base64', (text) => Buffer.from(text, 'hex').toString('base64')],
    ['with 0x before it', (text) => `0x${text}`],
    ['with white space behind it', (text) => `${text} `],
  ],
}

function next(digit) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return alphabet[(alphabet.indexOf(digit) + 1) % 64]
}

const attacker = generateKeyPairSync('ed25519')
const attackerKey = attacker.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)

export const SIGNATURE_CASES = [
  {
    id: 'T1',
    title: 'A missing or empty secret',
    inputs: [
      ...[
        ['', 'the empty key'],
        ['undefined', "the key 'undefined'"],
        ['null', "the key 'null'"],
      ].flatMap(([key, what]) => each(ALL, `signed by ${what}`, (sender) => signed(sender, { key }))),
      ...each(ALL, 'no secret configured, signed by the empty key', (sender) => ({
        ...signed(sender, { key: '' }),
        secret: undefined,
      })),
      ...each(ALL, 'an empty secret configured, signed by it', (sender) => ({
        ...signed(sender, { key: '' }),
        secret: '',
      })),
      ...each(UTF8_KEYS, 'white space configured as the secret, signed by it', (sender) => ({
        ...signed(sender, { key: '  ' }),
        secret: '  ',
      })),
      ...[
        ['whsec_', '', 'nothing behind the prefix'],
        ['whsec_!!!!', '', 'what is no base64'],
        ['whsec_AAAA', Buffer.alloc(3), 'three zero bytes'],
      ].map(([secret, key, what]) => ({
        what: `${String(what)} configured as the secret, signed by what that decodes to`,
        sender: 'standard',
        secret,
        ...signed('standard', { key }),
      })),
    ],
  },
  {
    id: 'T2',
    title: 'A header that is absent',
    inputs: [
      ...each(ALL, 'without the signature', (sender) => resigned(sender, undefined)),
      ...each(ALL, 'without any header', (sender) => ({ ...genuine[sender], headers: [] })),
      ...each(ALL, 'with an empty signature', (sender) => resigned(sender, '')),
      ...['webhook-id', 'webhook-timestamp'].map((name) => ({
        what: `without ${name}`,
        sender: 'standard',
        ...withHeader(genuine.standard, name, undefined),
      })),
      {
        what: 'with an empty id, signed so',
        sender: 'standard',
        ...signed('standard', { id: '' }),
      },
      { what: 'without a time', sender: 'stripe', ...resigned('stripe', (v) => v.replace(/^t=\d+,/, '')) },
      { what: 'with a time only', sender: 'stripe', ...resigned('stripe', (v) => v.replace(/,.*$/, '')) },
    ],
  },
  {
    id: 'T4',
    title: 'A comparison whose time tells how much of a signature fits',
    note: 'Time is not measured here, where it would be noise: `test/constant-time.test.ts` walks the source, in which one function compares. These inputs fit except at one end.',
    inputs: [
      ...each(ALL, 'all but the first character', (s) =>
        rewritten(s, (text) => other(text[0]) + text.slice(1)),
      ),
      ...each(ALL, 'the first character only', (s) =>
        rewritten(s, (text) => text[0] + Array.from(text.slice(1), other).join('')),
      ),
    ],
  },
  {
    id: 'T5',
    title: 'A signature that is a part of the right one, or longer',
    inputs: [1, 2, 16, 31].flatMap((bytes) => [
      ...each(ALL, `its first ${bytes === 1 ? 'byte' : `${bytes} bytes`}`, (sender) =>
        rewritten(sender, (text) => recoded(sender, text, (all) => all.subarray(0, bytes))),
      ),
      ...each(ALL, `the right one and ${bytes === 1 ? 'a byte' : `${bytes} bytes`} more`, (sender) =>
        rewritten(sender, (text) =>
          recoded(sender, text, (all) => Buffer.concat([all, Buffer.alloc(bytes)])),
        ),
      ),
    ]),
  },
  {
    id: 'T6',
    title: 'Input that makes a verifier throw',
    note: '“Refused” is what a library documents as its refusal; any other error is named, since a handler that tells “not authentic” from “broken” answers it as its own fault.',
    inputs: [
      ...[
        ['the version without a signature', 'v1', 'v1', 'sha256'],
        ['the version and nothing behind it', 'v1,', `t=${NOW_SECONDS},v1=`, 'sha256='],
        [
          'a signature of letters beyond ASCII',
          `v1,${'é'.repeat(44)}`,
          nonAscii(),
          `sha256=${'é'.repeat(64)}`,
        ],
        ['separators only', ' , , ', ',=,=,', '==='],
        ['64 KB of them', ' '.repeat(65_536), ','.repeat(65_536), '='.repeat(65_536)],
        ['NUL bytes', '\0\0\0', '\0=\0', '\0'],
        ['__proto__', '__proto__,__proto__', '__proto__=__proto__', '__proto__=__proto__'],
      ].flatMap(([what, standard, stripe, github]) => [
        { what, sender: 'standard', ...resigned('standard', standard) },
        { what, sender: 'stripe', ...resigned('stripe', stripe) },
        { what, sender: 'github', ...resigned('github', github) },
      ]),
      ...[5, {}, null, true].flatMap((value) =>
        each(ALL, `the signature as ${JSON.stringify(value)}, not as text`, (sender) => ({
          ...genuine[sender],
          forwarded: { ...record(genuine[sender]), [SIGNATURE_HEADER[sender]]: value },
        })),
      ),
      ...each(ALL, 'an empty body under the signature of another', (sender) => ({
        ...genuine[sender],
        body: Buffer.alloc(0),
      })),
    ],
  },
  {
    id: 'T11',
    title: 'Several times, several signatures, other versions',
    inputs: [
      {
        what: 'a stale time, and a fresh one behind it',
        sender: 'stripe',
        ...withFreshTime((value) => `${value},t=${NOW_SECONDS}`),
      },
      {
        what: 'a fresh time, and the stale one that is signed behind it',
        sender: 'stripe',
        ...withFreshTime((value) => `t=${NOW_SECONDS},${value}`),
      },
      {
        what: 'the right time twice',
        sender: 'stripe',
        ...resigned('stripe', (value) => `t=${NOW_SECONDS},${value}`),
      },
      ...['v0', 'v2', 'V1', ''].flatMap((label) =>
        each(['standard', 'stripe'], `the right signature, called '${label}'`, (sender) =>
          signed(sender, { label }),
        ),
      ),
      {
        what: "the right signature, called 'v1a'",
        sender: 'standard',
        ...signed('standard', { label: 'v1a' }),
      },
      {
        what: "the right signature, called 'sha1'",
        sender: 'github',
        ...signed('github', { label: 'sha1' }),
      },
      {
        what: 'the right signature, called nothing',
        sender: 'github',
        ...resigned('github', () => encoded('github')),
      },
      { what: 'the right signature as the 10,000th', ...flood('standard', ' ', 'v1,') },
      { what: 'the right signature as the 10,000th', ...flood('stripe', ',', 'v1=') },
    ],
  },
  {
    id: 'T12',
    title: 'Signatures that a lenient decoder takes',
    note: 'Hex in capitals is the same value by RFC 4648 §8, and accepted.',
    inputs: ALL.flatMap((sender) =>
      SPELLINGS[sender].map(([what, change]) => ({
        what: `the right one ${what}`,
        sender,
        ...rewritten(sender, change),
      })),
    ),
  },
  {
    id: 'T25',
    title: 'A key that the request itself brings',
    inputs: [
      ...each(ALL, "signed by the attacker's key, which stands in a header", (sender) => {
        const key = 'an attacker’s key'
        const request = signed(sender, { key })
        return { ...request, headers: [...request.headers, 'x-signing-key', key, 'x-public-key', key] }
      }),
      {
        what: "v1a by the attacker's key, which stands in a header",
        sender: 'standard',
        ...withHeader(genuine.standard, SIGNATURE_HEADER.standard, () => {
          const content = Buffer.concat([Buffer.from(`msg_1.${NOW_SECONDS}.`), genuine.standard.body])
          return `v1a,${sign(null, content, attacker.privateKey).toString('base64')}`
        }),
      },
    ],
  },
  {
    id: 'T26',
    title: 'A digest of the body, or an address, in place of a signature',
    inputs: each(
      ALL,
      'no signature, but the right digest of the body and an address of the sender',
      (sender) => {
        const { headers, body } = resigned(sender, undefined)
        const digest = mac('sha256', '', [body], 'base64')
        return {
          body,
          headers: [...headers, 'content-digest', `sha-256=:${digest}:`, 'x-forwarded-for', '192.30.252.1'],
        }
      },
    ),
  },
  {
    id: 'T27',
    title: 'Another algorithm than the one that is configured',
    inputs: [
      ...['sha1', 'sha512', 'md5'].flatMap((algorithm) =>
        each(ALL, `HMAC-${algorithm.toUpperCase()} by the right key`, (sender) =>
          signed(sender, { algorithm }),
        ),
      ),
      ...each(ALL, 'HMAC-SHA1 by the right key, called by the name of the right one', (sender) =>
        signed(sender, { algorithm: 'sha1', label: sender === 'github' ? 'sha256' : 'v1' }),
      ),
      ...each(ALL, 'the word none', (sender) => resigned(sender, 'none')),
      ...each(ALL, 'an HMAC by a public key', (sender) => signed(sender, { key: attackerKey })),
    ],
  },
]

function other(character) {
  return character === '0' ? '1' : character === '=' ? '=' : '0'
}

function recoded(sender, text, change) {
  const encoding = sender === 'standard' ? 'base64' : 'hex'
  return change(Buffer.from(text, encoding)).toString(encoding)
}

function nonAscii() {
  return `t=${NOW_SECONDS},v1=${'é'.repeat(64)}`
}

function record({ headers }) {
  return Object.fromEntries(
    Array.from({ length: headers.length / 2 }, (_, at) => [headers[2 * at], headers[2 * at + 1]]),
  )
}

/** A genuine request of an hour ago, with its header changed. */
function withFreshTime(change) {
  const stale = signed('stripe', { time: String(NOW_SECONDS - 3600) })
  return withHeader(stale, SIGNATURE_HEADER.stripe, change)
}

/** The right signature behind 9,999 others. */
function flood(sender, separator, label) {
  const wrong = `${label}${'0'.repeat(encoded(sender).length)}${separator}`
  return { sender, ...resigned(sender, (value) => wrong.repeat(9999) + value) }
}
