import { jsonSample, type Sample } from './sample.ts'

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:sample'
const CERTIFICATE = 'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0000000000000000.pem'

function sample(type: string, version: '1' | '2', members: object): Sample {
  return jsonSample(
    type,
    `sns-v${version}`,
    ({ id, nowMs }) => ({
      Type: type,
      MessageId: id,
      TopicArn: TOPIC,
      ...members,
      Timestamp: new Date(nowMs).toISOString(),
      SignatureVersion: version,
      SigningCertURL: CERTIFICATE,
    }),
    () => ({ 'content-type': 'text/plain; charset=UTF-8', 'x-amz-sns-message-type': type }),
  )
}

export const awsSnsSamples: readonly Sample[] = [
  sample('Notification', '2', {
    Subject: 'A sample',
    Message: 'of two\nlines',
    UnsubscribeURL: 'https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe',
  }),
  sample('Notification', '1', { Message: '{"a":1}' }),
  sample('UnsubscribeConfirmation', '2', {
    Message: 'You have chosen to deactivate a subscription',
    Token: 'sample',
    SubscribeURL: 'https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=sample',
  }),
]
