import { jsonSample, type Sample } from './sample.ts'

export const trelloSamples: readonly Sample[] = [
  jsonSample('createCard', 'trello-webhook', ({ id, nowMs }) => ({
    action: {
      id,
      type: 'createCard',
      date: new Date(nowMs).toISOString(),
      data: { card: { name: 'A sample' } },
    },
    model: { id: '51a79e72dbb7e23c7c003778' },
  })),
  jsonSample('updateCard', 'trello-webhook', ({ id, nowMs }) => ({
    action: {
      id,
      type: 'updateCard',
      date: new Date(nowMs).toISOString(),
      data: { card: { name: 'A sample' } },
    },
    model: { id: '51a79e72dbb7e23c7c003778' },
  })),
]
