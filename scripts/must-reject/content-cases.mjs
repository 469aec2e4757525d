import { header, NOW_SECONDS, signed, withHeader } from './senders.mjs'

const ALL = ['standard', 'stripe', 'github']
const TIMED = ['standard', 'stripe']
const genuine = Object.fromEntries(ALL.map((sender) => [sender, signed(sender)]))
const each = (senders, what, make) => senders.map((sender) => ({ what, sender, ...make(sender) }))

/** Two bodies that many decoders read as one text. */
const LOOKALIKES = [
  ['the byte FF for U+FFFD', '{"a":"\ufffd"}', bytes('{"a":"', [0xff], '"}')],
  ['the byte FE for U+FFFD', '{"a":"\ufffd"}', bytes('{"a":"', [0xfe], '"}')],
  [
    'a lone surrogate in UTF-8 for three U+FFFD',
    '{"a":"\ufffd\ufffd\ufffd"}',
    bytes('{"a":"', [0xed, 0xa0, 0x80], '"}'),
  ],
  ['half a character for U+FFFD', '{"a":"\ufffd"}', bytes('{"a":"', [0xc3], '"}')],
  ['a byte order mark before it', '{"a":1}', bytes('', [0xef, 0xbb, 0xbf], '{"a":1}')],
  ['a line feed behind it', '{"a":1}', Buffer.from('{"a":1}\n')],
  ['other white space', '{"a": 1}', Buffer.from('{"a":1}')],
  ['an escape for its letter', '{"a":"é"}', Buffer.from('{"a":"\\u00e9"}')],
  ['CRLF for LF', '{\n}', Buffer.from('{\r\n}')],
]

/** Texts that some reader of numbers takes for the time that was signed. */
const ODD_TIMES = [
  (time) => `${time}junk`,
  (time) => `${time} `,
  (time) => ` ${time}`,
  (time) => `+${time}`,
  (time) => ` +${time}`,
  (time) => `${time}.0`,
  (time) => `${time}.5`,
  (time) => `${time}e0`,
  (time) => `${time}n`,
  (time) => `${time},${time}`,
  (time) => `${time};`,
  (time) => `${time}\t`,
  (time) => `${time}\n`,
  (time) => `${time}\0`,
  (time) => `${time}_`,
  (time) => `0${time}`,
  (time) => `0x${Number(time).toString(16)}`,
  (time) => `0o${Number(time).toString(8)}`,
  (time) => `${time.slice(0, 4)}_${time.slice(4)}`,
  (time) => `${time.slice(0, 1)},${time.slice(1)}`,
  (time) => `-${time}`,
  (time) => `${time}000`,
  (time) => `${Number(time) / 1000}`,
  (time) => `${Number(time) / 1e9}e9`,
  (time) => time.replaceAll(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
  (time) => time.replaceAll(/\d/g, (digit) => String.fromCharCode(0x0660 + Number(digit))),
  (time) => `"${time}"`,
  (time) => `[${time}]`,
  (time) => `${time}Z`,
  (time) => `\u00a0${time}`,
  (time) => `\ufeff${time}`,
  (time) => new Date(Number(time) * 1000).toISOString(),
  (time) => new Date(Number(time) * 1000).toUTCString(),
  () => 'NaN',
  () => 'Infinity',
  () => 'now',
  () => '',
  () => 'null',
  () => 'undefined',
  () => '9'.repeat(40),
]

/** Signed by the right key, with these words for the time. */
const SIGNED_TIMES = ['NaN', 'abc', 'Infinity', '-1', '', ' ', '1e99', 'undefined']

/** @param {[string, string, Buffer]} row */
function named([what, text, body]) {
  return { what, text, body }
}

export const CONTENT_CASES = [
  {
    id: 'T7',
    title: 'Two bodies of one text',
    inputs: LOOKALIKES.map(named).flatMap(({ what, text, body }) =>
      each(ALL, `${what}, under the signature of the other`, (sender) => ({
        ...signed(sender, { body: Buffer.from(text) }),
        body,
      })),
    ),
  },
  {
    id: 'T8',
    title: 'Signed parts that are split elsewhere',
    note: 'Where a part of a genuine body is somebody else’s text, its sender has signed what they wrote. Split elsewhere, the same bytes are another request.',
    inputs: [
      {
        what: 'a fresh time and a body, out of the body of a stale request',
        ...shifted(`${NOW_SECONDS}.{"type":"evil"}`, NOW_SECONDS - 86_400),
      },
      { what: 'the same, out of a fresh one', ...shifted(`${NOW_SECONDS}.{"type":"evil"}`, NOW_SECONDS) },
      {
        what: 'the time as a part of the id',
        ...shifted(`${NOW_SECONDS}.`, NOW_SECONDS - 1),
      },
      {
        what: 'the id as a part of the time',
        sender: 'standard',
        headers: (() => {
          const request = signed('standard', { id: 'a.1' })
          const [, , , time, , signature] = request.headers
          return ['webhook-id', 'a', 'webhook-timestamp', `1.${time}`, 'webhook-signature', signature]
        })(),
        body: genuine.standard.body,
      },
      { what: 'a dot in the id, signed so', sender: 'standard', ...signed('standard', { id: 'msg.1' }) },
      {
        what: 'a fresh time and a body, out of the body of a stale request',
        sender: 'stripe',
        ...(() => {
          const stale = NOW_SECONDS - 86_400
          const body = Buffer.from('{"type":"evil"}')
          const whole = Buffer.concat([Buffer.from(`${NOW_SECONDS}.`), body])
          const request = signed('stripe', { time: String(stale), body: whole })
          return {
            ...withHeader(request, 'stripe-signature', (value) =>
              value.replace(`t=${stale}`, `t=${stale}.${NOW_SECONDS}`),
            ),
            body,
          }
        })(),
      },
      {
        what: 'the last digit of the time in the body',
        sender: 'stripe',
        ...withHeader(
          { ...genuine.stripe, body: Buffer.concat([Buffer.from('1.'), genuine.stripe.body]) },
          'stripe-signature',
          (value) => value.replace(`${NOW_SECONDS},`, `${Math.floor(NOW_SECONDS / 10)},`),
        ),
      },
    ],
  },
  {
    id: 'T9',
    title: 'Times with something about them',
    note: 'A space or a tab between the entries of Stripe’s list means nothing (RFC 9110 §5.6.1), and is no input here.',
    inputs: [
      ...ODD_TIMES.flatMap((change) =>
        each(timedWith(change), `the time written ${JSON.stringify(change(String(NOW_SECONDS)))}`, (sender) =>
          withTime(sender, change),
        ),
      ),
      ...SIGNED_TIMES.flatMap((time) =>
        each(TIMED, `the time ${JSON.stringify(time)}, signed so`, (sender) => signed(sender, { time })),
      ),
    ],
  },
  {
    id: 'T10',
    title: 'Times in the past and in the future',
    inputs: [301, 3600, 86_400, 315_360_000].flatMap((seconds) => [
      ...each(TIMED, `signed ${inWords(seconds)} ago`, (sender) =>
        signed(sender, { time: String(NOW_SECONDS - seconds) }),
      ),
      ...each(TIMED, `signed for ${inWords(seconds)} from now`, (sender) =>
        signed(sender, { time: String(NOW_SECONDS + seconds) }),
      ),
    ]),
  },
  {
    id: 'T18',
    title: 'Headers that come twice',
    note: 'Node hands out doubled headers as one, joined by a comma and a space; the list that Postern asks for keeps them apart.',
    inputs: [
      ...ALL.flatMap((sender) => {
        const name = genuine[sender].headers.at(-2)
        const wrong = header(genuine[sender], name).replace(/[^=,]{8}(=*)$/, '00000000$1')
        return [
          { what: 'a wrong signature before the right one', sender, ...twice(sender, name, wrong, 'before') },
          { what: 'a wrong signature behind the right one', sender, ...twice(sender, name, wrong, 'behind') },
          {
            what: 'the right signature twice',
            sender,
            ...twice(sender, name, header(genuine[sender], name)),
          },
        ]
      }),
      ...['before', 'behind'].flatMap((where) => [
        {
          what: `another id ${where} the one that is signed`,
          sender: 'standard',
          ...twice('standard', 'webhook-id', 'msg_2', where),
        },
        {
          what: `another time ${where} the one that is signed`,
          sender: 'standard',
          ...twice('standard', 'webhook-timestamp', String(NOW_SECONDS + 1), where),
        },
      ]),
      {
        what: 'an id that is signed as the two that come, joined',
        sender: 'standard',
        ...(() => {
          const request = signed('standard', { id: 'msg_1, msg_2' })
          return {
            ...request,
            headers: ['webhook-id', 'msg_1', 'webhook-id', 'msg_2', ...request.headers.slice(2)],
          }
        })(),
      },
    ],
  },
  {
    id: 'T19',
    title: 'Header objects of a framework’s making',
    inputs: [
      ...each(ALL, 'the signature in an array, with a wrong one', (sender) => {
        const name = genuine[sender].headers.at(-2)
        return asRecord(sender, { [name]: [header(genuine[sender], name), 'v1,AAAA'] })
      }),
      {
        what: 'an id in an array, signed as its members, joined',
        ...asRecord('standard', { 'webhook-id': ['msg_1', 'a'] }, signed('standard', { id: 'msg_1,a' })),
      },
      {
        what: 'a time in an array, with another behind it',
        ...asRecord('standard', { 'webhook-timestamp': [String(NOW_SECONDS), '1'] }),
      },
      {
        what: 'one header under two spellings of its name',
        ...asRecord('standard', { 'Webhook-Id': 'msg_2' }),
      },
      {
        what: 'all of them on the prototype',
        sender: 'standard',
        ...genuine.standard,
        forwarded: Object.create(asRecord('standard', {}).forwarded),
      },
    ],
  },
]

function bytes(before, between, after) {
  return Buffer.concat([Buffer.from(before), Buffer.from(between), Buffer.from(after)])
}

function inWords(seconds) {
  return { 301: '301 s', 3600: '1 h', 86_400: '1 day', 315_360_000: '10 years' }[seconds]
}

/** A genuine request whose body begins with a time and a dot, split behind those. */
function shifted(written, time) {
  const request = signed('standard', { time: String(time), body: Buffer.from(written) })
  const at = written.indexOf('.')
  return {
    sender: 'standard',
    headers: [
      'webhook-id',
      `msg_1.${time}`,
      'webhook-timestamp',
      written.slice(0, at),
      'webhook-signature',
      header(request, 'webhook-signature'),
    ],
    body: Buffer.from(written.slice(at + 1)),
  }
}

/** Where the time stands in a header of its own, and, unless white space would end its entry, where it is one of a list. */
function timedWith(change) {
  return /[ \t]$/.test(change('1')) ? ['standard'] : TIMED
}

function withTime(sender, change) {
  const text = change(String(NOW_SECONDS))
  return sender === 'stripe'
    ? withHeader(genuine.stripe, 'stripe-signature', (value) =>
        value.replace(String(NOW_SECONDS), () => text),
      )
    : withHeader(genuine.standard, 'webhook-timestamp', text)
}

function twice(sender, name, value, where = 'behind') {
  const headers = [...genuine[sender].headers]
  const at = headers.indexOf(name)
  headers.splice(where === 'before' ? at : at + 2, 0, name, value)
  return { ...genuine[sender], headers }
}

function asRecord(sender, others, request = genuine[sender]) {
  const { headers } = request
  const names = headers.filter((_, index) => index % 2 === 0)
  const forwarded = Object.fromEntries(names.map((name) => [name, header(request, name)]))
  return { sender, ...request, forwarded: { ...forwarded, ...others } }
}
