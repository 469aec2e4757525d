import { jsonSample, type Sample } from './sample.ts'

export const gitlabSamples: readonly Sample[] = [
  jsonSample(
    'push',
    'gitlab-signing-token',
    ({ id }) => ({
      object_kind: 'push',
      ref: 'refs/heads/main',
      checkout_sha: id,
      project: { id: 15, path_with_namespace: 'sample/project' },
    }),
    () => ({ 'x-gitlab-event': 'Push Hook' }),
  ),
  jsonSample(
    'merge_request',
    'gitlab-signing-token',
    ({ id }) => ({
      object_kind: 'merge_request',
      event_type: 'merge_request',
      object_attributes: { iid: 1, title: id, state: 'opened' },
      project: { id: 15, path_with_namespace: 'sample/project' },
    }),
    () => ({ 'x-gitlab-event': 'Merge Request Hook' }),
  ),
]
