import { jsonSample, type Sample } from './sample.ts'

export const jiraSamples: readonly Sample[] = [
  jsonSample(
    'jira:issue_created',
    'jira-signature',
    ({ id, nowMs }) => ({
      timestamp: nowMs,
      webhookEvent: 'jira:issue_created',
      issue: { id: '10002', key: 'SMP-1', fields: { summary: id } },
    }),
    ({ id }) => ({ 'x-atlassian-webhook-identifier': id }),
  ),
  jsonSample(
    'comment_created',
    'jira-signature',
    ({ id, nowMs }) => ({
      timestamp: nowMs,
      webhookEvent: 'comment_created',
      comment: { id: '10000', body: id },
      issue: { id: '10002', key: 'SMP-1' },
    }),
    ({ id }) => ({ 'x-atlassian-webhook-identifier': id }),
  ),
]
