import { jsonSample, type Sample } from './sample.ts'

export const notionSamples: readonly Sample[] = [
  jsonSample('page.created', 'notion-signature', ({ id, nowMs }) => ({
    id,
    timestamp: new Date(nowMs).toISOString(),
    workspace_id: 'sample',
    type: 'page.created',
    entity: { id: `page-${id}`, type: 'page' },
    attempt_number: 1,
    data: {},
  })),
  jsonSample('comment.created', 'notion-signature', ({ id, nowMs }) => ({
    id,
    timestamp: new Date(nowMs).toISOString(),
    workspace_id: 'sample',
    type: 'comment.created',
    entity: { id: `comment-${id}`, type: 'comment' },
    attempt_number: 1,
    data: {},
  })),
]
