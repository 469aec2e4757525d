import type { WebhookEvent } from 'postern'
import { samples } from 'postern/samples'
import { describe, expect, test } from 'vitest'
import { composerFor } from './compose.ts'
import type { Message } from './message.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 12, 0, 0)
const ID = '0123456789abcdef0123456789abcdef'
/** Whose events people are to be told of first. */
const VENDORS = [
  'vastai',
  'castai-notifications',
  'castai',
  'coreweave-alerts',
  'coreweave',
  'wandb',
  'anima',
  'figma',
  'grafana',
]

function eventOf(body: unknown, type: string): WebhookEvent {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    source: 'src',
    id: 'evt_1',
    type,
    created: new Date(NOW_MS),
    data: undefined,
    body: new TextEncoder().encode(text),
    headers: [],
  }
}

function told(provider: string, type: string, body: unknown): Message {
  return composerFor(provider)(eventOf(body, type))
}

function vastai(type: string, subject: string): Message {
  return told('vastai', type, { notif_type: type, subject, message: 'text' })
}

function castai(name: string, severity: string): Message {
  const cluster = { id: 'c-1', name: 'prod', provider: 'eks' }
  return told('castai-notifications', 'castai.notification', { name, severity, message: 'text', cluster })
}

describe('what each vendor tells of', () => {
  test.each([
    [vastai('outbid', 'Your Instance #7 Has Been Outbid'), 'warning', 'Your Instance #7 Has Been Outbid'],
    [vastai('low_credit', 'Low'), 'warning', 'Low'],
    [vastai('billing_failed', 'Billing'), 'critical', 'Billing'],
    [vastai('instance_offline', 'Instance #7 Is Offline'), 'critical', 'Instance #7 Is Offline'],
    [vastai('machine_offline', 'Machine Offline'), 'critical', 'Machine Offline'],
    [vastai('maintenance_scheduled', 'Maintenance'), 'warning', 'Maintenance'],
    [vastai('payment_receipt', 'Thanks'), 'info', 'Thanks'],
    [vastai('of_tomorrow', 'New'), 'info', 'New'],
    [
      castai('Cost anomaly detected on the CPU metric', 'Warning'),
      'warning',
      'Cost: Cost anomaly detected on the CPU metric',
    ],
    [castai('Node deletion failed', 'Critical'), 'critical', 'Nodes: Node deletion failed'],
    [castai('Missing permission', 'Error'), 'critical', 'Missing permission'],
    [castai('Trial expires soon', 'Info'), 'info', 'Trial expires soon'],
    [castai('Of tomorrow', 'Unheard'), 'warning', 'Of tomorrow'],
    [
      told('coreweave-alerts', 'x', { alertName: 'NodeNotReady', category: 'gpu', severity: 'CRITICAL' }),
      'critical',
      'Node trouble: NodeNotReady',
    ],
    [
      told('coreweave-alerts', 'x', { alertName: 'NodeMaintenance', category: 'sunk' }),
      'warning',
      'Maintenance: NodeMaintenance',
    ],
    [
      told('coreweave-alerts', 'x', { alertName: 'VolumeFull', category: 'storage' }),
      'warning',
      'VolumeFull',
    ],
    [told('coreweave-alerts', 'x', { subject: 'Test Notification' }), 'info', 'Test Notification'],
    [told('anima', 'message.failed', { to: 'a@b.example' }), 'warning', 'A message could not be sent'],
  ] as const)('%# %j', (message, severity, title) => {
    expect([message.severity, message.title]).toEqual([severity, title])
  })

  test('the end of a trouble has its name', () => {
    const begun = vastai('instance_offline', 'Your Instance #7 Is Offline')
    const ended = vastai('instance_online', 'Your Instance #7 Is Back Online')
    expect([begun.problem, begun.isEnd, ended.isEnd]).toEqual(['instance 7 offline', false, true])
    expect(ended.problem).toBe(begun.problem)
    expect(vastai('instance_online', 'Your Instance #8 Is Back Online').problem).not.toBe(begun.problem)
    expect(vastai('instance_offline', 'One of yours Is Offline').problem).toBeUndefined()
    expect(castai('Cluster reconciled', 'Success')).toMatchObject({
      problem: castai('Failed to reconcile cluster', 'Warning').problem,
      isEnd: true,
    })
    expect(told('grafana', 'resolved', { groupKey: 'k' })).toMatchObject({
      problem: told('grafana', 'firing', { groupKey: 'k' }).problem,
      isEnd: true,
    })
  })

  test.each(VENDORS)('of the samples of %s', (provider) => {
    const messages = (samples.get(provider) ?? []).map(({ type, build }) =>
      told(provider, type, build({ id: ID, nowMs: NOW_MS }).body),
    )
    expect(messages.length).toBeGreaterThan(0)
    expect(messages).toMatchSnapshot()
  })
})

describe('an event that nobody has described', () => {
  test('is told by its type and its first values, three levels deep, without what is told anyhow', () => {
    const body = {
      id: 'evt_1',
      a: 1,
      b: 'two',
      list: [1, 2],
      none: null,
      c: { d: true, e: { f: 3, h: { i: 4 } } },
      g: 'x',
      h: 'y',
      i: 'z',
    }
    expect(told('of-tomorrow', 'thing.done', body)).toMatchObject({
      severity: 'info',
      title: 'src: thing.done',
      fields: [
        { label: 'a', value: '1' },
        { label: 'b', value: 'two' },
        { label: 'c.d', value: 'true' },
        { label: 'c.e.f', value: '3' },
        { label: 'g', value: 'x' },
        { label: 'h', value: 'y' },
      ],
    })
  })

  test('shows nothing that is named as a secret', () => {
    const named = {
      passcode: 'p',
      api_key: 'k',
      clientSecret: 's',
      Authorization: 'a',
      nested: { access_token: 't', ok: 1 },
    }
    expect(told('of-tomorrow', 'x', named).fields).toEqual([{ label: 'nested.ok', value: '1' }])
  })

  test.each([
    '',
    'not json',
    '[]',
    'null',
    '"text"',
    '[[[[',
    '\u0000',
    '{"a":{"b":{}}}',
    '{"__proto__":{"x":1}}',
  ])('is told whatever its body is: %j', (body) => {
    expect(told('of-tomorrow', 'x', body)).toMatchObject({ title: 'src: x', severity: 'info' })
  })
})

test('a described event whose values are not what they should be is told all the same', () => {
  for (const odd of [null, 7, [], {}, { toString: 1 }, '\u0000', 'x'.repeat(1e6)]) {
    const message = told('vastai', 'instance_offline', { subject: odd, message: odd })
    expect(message.title.length).toBeGreaterThan(0)
    expect(message.title.length).toBeLessThanOrEqual(300)
    expect(message.severity).toBe('critical')
  }
  expect(told('castai-notifications', 'x', { name: 'n', severity: 'constructor' }).severity).toBe('warning')
})

test('every sample of every provider makes a message', () => {
  for (const [provider, own] of samples) {
    for (const { type, build } of own) {
      const message = told(provider, type, build({ id: ID, nowMs: NOW_MS }).body)
      expect(message.title).not.toBe('')
      expect(message.fields.every(({ label, value }) => label !== '' && value !== '')).toBe(true)
    }
  }
})
