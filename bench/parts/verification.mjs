import { execFile } from 'node:child_process'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { verify as octokitVerify } from '@octokit/webhooks-methods'
import { WebhookVerificationService as tern } from '@hookflo/tern'
import { sign, verify } from 'postern'
import { github, standardWebhooks, stripe } from 'postern/providers'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Stripe } from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import { median } from '../median.mjs'

export const name = 'verification'

const SIZES = [300, 2048, 65_536]
const TEXT = 'a signing secret, long enough'
const WHSEC = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
/** As much CPU time as one turn takes at least: shorter ones are compilation and other contenders' garbage for a good part. */
const TURN_MS = 200
/** What a request has beside its signature. */
const OTHER_HEADERS = {
  host: 'shop.example',
  'user-agent': 'Sender/1.0 (+https://sender.example/webhooks)',
  accept: '*/*',
  'content-type': 'application/json; charset=utf-8',
  'accept-encoding': 'gzip',
  'x-forwarded-for': '203.0.113.7',
}

const run = promisify(execFile)
const api = new Stripe('sk_test_of_no_account')

/**
 * Forms of signatures, each with what verifies them. Each contender gets what it takes, made beforehand: bytes, or a string
 * where it takes nothing else, and headers as a list or as an object. `bare` is what people write by hand.
 */
const FORMS = [
  {
    form: 'a signature over the body (GitHub)',
    source: github({ secret: TEXT }),
    contenders: ({ body, headers }) => {
      const text = body.toString()
      const header = headers['x-hub-signature-256']
      return {
        bare: () => {
          const expected = createHmac('sha256', TEXT).update(body).digest()
          return timingSafeEqual(expected, Buffer.from(header.slice('sha256='.length), 'hex'))
        },
        '@octokit/webhooks-methods': () => octokitVerify(TEXT, text, header),
        '@hookflo/tern': ternOf('github', TEXT, body, headers),
      }
    },
  },
  {
    form: 'a list of a time and signatures (Stripe)',
    source: stripe({ secret: TEXT }),
    contenders: ({ body, headers }) => {
      const header = headers['stripe-signature']
      return {
        bare: () => {
          const time = header.slice('t='.length, header.indexOf(','))
          const expected = createHmac('sha256', TEXT).update(`${time}.`).update(body).digest()
          return timingSafeEqual(expected, Buffer.from(header.slice(header.indexOf('v1=') + 3), 'hex'))
        },
        stripe: () => api.webhooks.constructEvent(body, header, TEXT) !== undefined,
        '@hookflo/tern': ternOf('stripe', TEXT, body, headers),
      }
    },
  },
  {
    form: 'id, time and body (Standard Webhooks)',
    source: standardWebhooks({ secret: WHSEC }),
    contenders: ({ body, headers }) => {
      const key = Buffer.from(WHSEC.slice('whsec_'.length), 'base64')
      const [standard, svix] = [new StandardWebhook(WHSEC), new SvixWebhook(WHSEC)]
      const text = body.toString()
      return {
        bare: () => {
          const expected = createHmac('sha256', key)
            .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`)
            .update(body)
            .digest()
          return timingSafeEqual(expected, Buffer.from(headers['webhook-signature'].slice(3), 'base64'))
        },
        standardwebhooks: () => standard.verify(text, headers) !== undefined,
        svix: () => svix.verify(text, headers) !== undefined,
      }
    },
  },
]

/** It takes a Fetch request, which can be read once: they are made before the clock starts. */
function ternOf(platform, secret, body, headers) {
  const verifying = async (request) => (await tern.verify(request, { platform, secret })).isValid
  verifying.prepare = () => new Request('https://shop.example/webhooks', { method: 'POST', headers, body })
  return verifying
}

/**
 * What verifying one request costs in CPU time, everybody in turn. Each form and size in a process of its own: an app has one
 * source or a few, and code that has seen every form there is runs slower for each.
 */
export async function measure({ values, say }) {
  const rounds = Number(values.rounds) * 3
  const results = []
  for (const size of SIZES) {
    for (const form of FORMS.keys()) {
      const script = join(import.meta.dirname, '../verification-run.mjs')
      const { stdout } = await run(process.execPath, [script, size, form, rounds].map(String))
      const result = JSON.parse(stdout)
      results.push(result)
      say(lineOf(result))
    }
  }
  return { rounds, results }
}

/** One size of one form. */
export async function measureForm(size, index, rounds) {
  const each = FORMS[index]
  return { size, form: each.form, contenders: summaryOf(await timesOf(each, size, rounds)) }
}

/** CPU time a call of every contender, round by round. */
async function timesOf({ source, contenders }, size, rounds) {
  const request = requestOf(source, size)
  const all = Object.entries({ ...ours(source, request), ...contenders(request) })
  const times = Object.fromEntries(all.map(([each]) => [each, []]))
  const counts = {}
  for (const [each, contender] of all) counts[each] = await warmUp(contender)
  for (let round = 0; round < rounds; round += 1) {
    for (const [each, contender] of all) times[each].push(await microsPerCall(contender, counts[each]))
  }
  return times
}

/**
 * The check itself (headers, time, HMAC, comparison, clock), which is what the others do; and the whole of `verify`, which
 * also reads the event out of the body.
 */
function ours(source, { body, headers }) {
  const [{ scheme, keys, method }] = source.schemes
  const list = Object.entries(headers).flat()
  const request = { method: 'POST', url: '/', headers: list, body }
  return {
    'postern, the check': () => method.check(scheme, keys, request, { nowMs: Date.now() }).ok,
    'postern, verify': async () => (await verify(request, source)).ok,
  }
}

function requestOf(source, size) {
  const start = '{"id":"evt_0123456789","type":"invoice.paid","data":{"object":{"id":"in_1","note":"'
  const body = Buffer.from(`${start}${'x'.repeat(size - start.length - 4)}"}}}`)
  const headers = { ...OTHER_HEADERS, 'content-length': String(body.byteLength) }
  return { body, headers: { ...headers, ...sign(source, { body, nowMs: Date.now(), id: 'msg_0123456789' }) } }
}

/** How many calls make a turn. */
async function warmUp(contender) {
  let calls = 50
  for (;;) {
    const micros = calls * (await microsPerCall(contender, calls))
    if (micros >= TURN_MS * 1000) return calls
    calls *= 2
  }
}

async function microsPerCall(contender, calls) {
  const requests = contender.prepare && Array.from({ length: calls }, contender.prepare)
  const before = process.cpuUsage()
  for (let call = 0; call < calls; call += 1) {
    const result = contender(requests?.[call])
    // A function that answers at once is not made to wait.
    if (!(result instanceof Promise ? await result : result)) throw new Error('refused')
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / calls
}

/** Medians; of ratios, of those within a round. */
function summaryOf(times) {
  const ratiosTo = (other, own) => median(other.map((micros, round) => micros / own[round]))
  return Object.fromEntries(
    Object.entries(times).map(([each, own]) => [
      each,
      {
        micros: median(own),
        ofBare: ratiosTo(times.bare, own),
        checkIsFaster: ratiosTo(own, times['postern, the check']),
        verifyIsFaster: ratiosTo(own, times['postern, verify']),
      },
    ]),
  )
}

function lineOf({ size, form, contenders }) {
  const each = Object.entries(contenders).map(
    ([contender, { micros, ofBare }]) => `${contender} ${micros} µs (${ofBare} of bare's speed)`,
  )
  return `${size} B, ${form}: ${each.join(', ')}`
}

export function describe({ rounds, results }) {
  const rows = results.flatMap(({ size, form, contenders }) =>
    Object.entries(contenders).map(([contender, { micros, ofBare, checkIsFaster, verifyIsFaster }]) =>
      ['', size, form, contender, micros, ofBare, checkIsFaster, verifyIsFaster, ''].join(' | ').trim(),
    ),
  )
  return `CPU time a request, medians of ${rounds} rounds; goals for the check: 1.2 of bare's speed at 300 B, 0.95 at 64 KB, 5 times standardwebhooks and svix

| bytes | form | | µs | of bare's speed | the check is so many times as fast | verify is so many times as fast |
| - | - | - | - | - | - | - |
${rows.join('\n')}`
}
