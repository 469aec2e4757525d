import { jsonSample, type Sample } from './sample.ts'

export const bitbucketSamples: readonly Sample[] = [
  jsonSample(
    'repo:push',
    'bitbucket-signature',
    ({ id }) => ({
      repository: { uuid: '{7c9a2905-962d-4fb1-83a1-d316012f033a}', full_name: 'sample/project' },
      push: { changes: [{ new: { name: 'main', target: { hash: id } } }] },
    }),
    ({ id }) => ({ 'x-event-key': 'repo:push', 'x-request-uuid': id, 'x-attempt-number': '1' }),
  ),
  jsonSample(
    'pullrequest:created',
    'bitbucket-signature',
    ({ id }) => ({
      repository: { uuid: '{7c9a2905-962d-4fb1-83a1-d316012f033a}', full_name: 'sample/project' },
      pullrequest: { id: 1, title: id, state: 'OPEN' },
    }),
    ({ id }) => ({ 'x-event-key': 'pullrequest:created', 'x-request-uuid': id, 'x-attempt-number': '1' }),
  ),
]
