import type { WebhookEvent } from 'postern'
import { expect, test } from 'vitest'
import type { NotifyKind, NotifyOptions } from './notify-options.ts'
import { Teller } from './teller.ts'

function event(type: string): WebhookEvent {
  const body = new TextEncoder().encode(JSON.stringify({ notif_type: type, subject: 'Your Instance #7' }))
  return { source: 'gpus', id: 'evt_1', type, created: undefined, data: undefined, body, headers: [] }
}

/** Which of an outage, its end, a warning and news a notification wants. */
function wanted(notify: NotifyKind, options: NotifyOptions = {}): readonly string[] {
  const resolved = { ...options, notify, name: 'team', url: 'https://x.example' }
  const teller = new Teller(resolved, new Map([['gpus', 'vastai']]))
  return ['instance_offline', 'instance_online', 'outbid', 'payment_receipt'].filter((type) =>
    teller.wants(event(type)),
  )
}

test('a channel is told of everything, or of what weighs enough', () => {
  expect(wanted('slack')).toEqual(['instance_offline', 'instance_online', 'outbid', 'payment_receipt'])
  expect(wanted('discord', { atLeast: 'warning' })).toEqual(['instance_offline', 'outbid'])
  expect(wanted('webhook', { atLeast: 'critical' })).toEqual(['instance_offline'])
})

test('PagerDuty is not woken by news, and gets the end of every incident whatever it weighs', () => {
  expect(wanted('pagerduty')).toEqual(['instance_offline', 'instance_online', 'outbid'])
  expect(wanted('pagerduty', { atLeast: 'critical' })).toEqual(['instance_offline', 'instance_online'])
})

test('the first weighing that fits counts', () => {
  const severity = [
    { type: 'instance_*', is: 'info' },
    { source: 'gpus', type: ['outbid'], is: 'critical' },
    { type: 'outbid', is: 'info' },
    { type: 'instance_offline', is: 'info' },
  ] as const
  expect(wanted('slack', { atLeast: 'critical', severity })).toEqual(['outbid'])
})
