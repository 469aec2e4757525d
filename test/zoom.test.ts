/** Zoom's own receiver, over HTTP: it takes every sample that is signed here, and answers the handshake as is done here. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MeetingsS2SAuthClient } from '@zoom/rivet/meetings'
import { createPostern, signRequest } from 'postern'
import { memory } from 'postern/memory'
import { zoom } from 'postern/providers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forge, NOW_MS, requestsOf, TEXT, type Headers } from './support/provider-libraries.ts'

const source = zoom({ secret: TEXT })
const requests = requestsOf('zoom')
const validation = JSON.stringify({
  event: 'endpoint.url_validation',
  event_ts: NOW_MS,
  payload: { plainToken: 'qgg8vlvZRS6UYooatFL8Aw' },
})
const client = new MeetingsS2SAuthClient({
  clientId: 'of no app',
  clientSecret: 'of no app',
  accountId: 'of no account',
  webhooksSecretToken: TEXT,
  port: 0,
})
const taken: string[] = []
let server: Server
let url: string

beforeAll(async () => {
  for (const type of ['meeting.started', 'meeting.ended'] as const)
    client.webEventConsumer?.event(type, () => void taken.push(type))
  server = await client.start()
  // A server that listens on TCP has such an address.
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/zoom/events`
})

afterAll(async () => {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
})

test('what is signed here is taken, and not with another body', async () => {
  for (const { body, headers } of requests) {
    const sent = { ...headers, ...signed(body) }
    expect((await post(body, sent)).status).toBe(200)
    expect(await (await post(forge(body), sent)).json()).toEqual({
      error: 'Failed to verify event originated from Zoom.',
    })
  }
  expect(taken).toEqual(['meeting.started', 'meeting.ended'])
})

test('its handshake has the same answer here', async () => {
  const answer = await post(validation, signed(validation))
  expect(answer.status).toBe(200)
  const postern = createPostern({ store: memory(), sources: { zoom: source }, now: () => NOW_MS })
  const ours = await postern.fetch(
    new Request('https://app.example/webhooks/zoom', {
      method: 'POST',
      headers: signed(validation),
      body: validation,
    }),
  )
  expect([ours.status, await ours.json()]).toEqual([200, await answer.json()])
  await postern.stop()
})

test('its handshake is refused with another body', async () => {
  expect((await post(forge(validation), signed(validation))).status).toBe(400)
})

function signed(body: string): Headers {
  return { 'content-type': 'application/json', ...signRequest(source, { body, nowMs: NOW_MS }).headers }
}

function post(body: string, headers: Headers): Promise<Response> {
  return fetch(url, { method: 'POST', headers, body })
}
