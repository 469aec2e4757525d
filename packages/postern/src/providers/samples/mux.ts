import { jsonSample, type Sample } from './sample.ts'

export const muxSamples: readonly Sample[] = [
  jsonSample('video.asset.ready', 'mux-v1', ({ id, nowMs }) => ({
    type: 'video.asset.ready',
    id,
    created_at: new Date(nowMs).toISOString(),
    object: { type: 'asset', id: `asset-${id}` },
    environment: { name: 'Sample', id: 'sample' },
    data: { status: 'ready' },
  })),
  jsonSample('video.asset.created', 'mux-v1', ({ id, nowMs }) => ({
    type: 'video.asset.created',
    id,
    created_at: new Date(nowMs).toISOString(),
    object: { type: 'asset', id: `asset-${id}` },
    environment: { name: 'Sample', id: 'sample' },
    data: { status: 'preparing' },
  })),
]
