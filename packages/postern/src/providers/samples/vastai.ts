import { jsonSample, type Sample } from './sample.ts'
import { templateSamples } from './template.ts'

/**
 * In the form of the one sample that Vast.ai documents (`low_credit`); the text of `outbid` follows what a receiver
 * published of a real one. Ids and amounts are made up.
 */
function notification(type: string, subject: string, message: string): Sample {
  return jsonSample(
    type,
    'vast-signature-256',
    ({ id, nowMs }) => ({
      event_id: id,
      user_id: 123,
      notif_type: type,
      subject,
      message,
      timestamp: nowMs / 1000,
    }),
    ({ id }) => ({ 'x-vast-event-id': id, 'x-vast-delivery-attempt': '1' }),
  )
}

export const vastaiSamples: readonly Sample[] = [
  notification(
    'outbid',
    'Your Interruptible Instance #48927380 Has Been Outbid',
    'Instance 48927380 on machine 12345: your bid of $0.200/hr is below the price to beat, $0.215/hr.',
  ),
  notification(
    'low_credit',
    'Warning - Your Vast.ai Credit Balance Is Getting Low',
    'Your Vast.ai balance is below your configured threshold.',
  ),
  notification(
    'instance_offline',
    'Your Instance #48927380 Is Offline',
    'Instance 48927380 stopped responding.',
  ),
  notification(
    'instance_online',
    'Your Instance #48927380 Is Back Online',
    'Instance 48927380 responds again.',
  ),
  notification('webhook_test', 'Vast.ai webhook test', 'This is a test notification.'),
  ...templateSamples('vastai'),
]
