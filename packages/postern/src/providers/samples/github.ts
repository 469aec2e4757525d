import { jsonSample, type Sample } from './sample.ts'

export const githubSamples: readonly Sample[] = [
  jsonSample(
    'push',
    'github-signature-256',
    ({ id }) => ({
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      after: `${id}00000000`,
      repository: { id: 1296269, full_name: 'octo-org/sample' },
      sender: { login: 'octocat' },
    }),
    ({ id }) => ({ 'x-github-event': 'push', 'x-github-delivery': id }),
  ),
  jsonSample(
    'issues',
    'github-signature-256',
    ({ id }) => ({
      action: 'opened',
      issue: { number: 1, node_id: id, title: 'A sample' },
      repository: { id: 1296269, full_name: 'octo-org/sample' },
      sender: { login: 'octocat' },
    }),
    ({ id }) => ({ 'x-github-event': 'issues', 'x-github-delivery': id }),
  ),
]
