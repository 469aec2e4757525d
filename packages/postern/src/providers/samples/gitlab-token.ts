import { jsonSample, type Sample } from './sample.ts'

export const gitlabTokenSamples: readonly Sample[] = [
  jsonSample(
    'push',
    'gitlab-token',
    ({ id }) => ({
      object_kind: 'push',
      ref: 'refs/heads/main',
      checkout_sha: id,
      project: { id: 15, path_with_namespace: 'sample/project' },
    }),
    ({ id }) => ({ 'x-gitlab-event': 'Push Hook', 'idempotency-key': id }),
  ),
  jsonSample(
    'issue',
    'gitlab-token',
    ({ id }) => ({
      object_kind: 'issue',
      event_type: 'issue',
      object_attributes: { iid: 1, title: id },
      project: { id: 15, path_with_namespace: 'sample/project' },
    }),
    ({ id }) => ({ 'x-gitlab-event': 'Issue Hook', 'idempotency-key': id }),
  ),
]
