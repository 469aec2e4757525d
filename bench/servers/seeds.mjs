// The requirement documents' own design, made to compile: Express, their signature check, ioredis `exists` before and
// `set` after the handler.
import { createHmac, timingSafeEqual } from 'node:crypto'
import express from 'express'
import { Redis } from 'ioredis'
import { report } from './report.mjs'

const [, secret, , redisUrl] = process.argv.slice(2)
const redis = new Redis(redisUrl)
const app = express()
let handled = 0

app.post('/webhooks/vastai', express.raw({ type: 'application/json' }), async (req, res) => {
  if (!verify(req.body, req.headers['x-vastai-signature'], req.headers['x-vastai-timestamp'])) {
    return res.status(401).json({ error: 'Invalid signature' })
  }
  const event = JSON.parse(req.body.toString())
  const key = `vastai:event:${event.id}`
  if ((await redis.exists(key)) === 1) return res.status(200).json({ received: true })
  handled += 1
  await redis.set(key, '1', 'EX', 86400 * 7)
  res.status(200).json({ received: true })
})

function verify(payload, signature, timestamp) {
  if (Date.now() - parseInt(timestamp) * 1000 > 300000) return false
  const expected = createHmac('sha256', secret).update(`${timestamp}.${payload.toString()}`).digest('hex')
  return timingSafeEqual(Buffer.from(signature), Buffer.from(expected))
}

const server = app.listen(0, '127.0.0.1', () =>
  report({ port: server.address().port, handled: () => handled }),
)
