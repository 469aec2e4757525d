// Asks this very container whether it is alive; ends with 0 where it is. For HEALTHCHECK: an image has no curl.
import { request as overHttp } from 'node:http'
import { request as overTls } from 'node:https'

const { PORT = '3000', POSTERN_TLS_CERT = '' } = process.env
const isTls = POSTERN_TLS_CERT.trim() !== ''
const request = (isTls ? overTls : overHttp)({
  host: '127.0.0.1',
  port: PORT.trim() || '3000',
  path: '/healthz',
  timeout: 2000,
  // The certificate is for the name that senders know, and this is the machine itself.
  rejectUnauthorized: false,
})
request.on('response', ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
request.on('timeout', () => process.exit(1))
request.on('error', () => process.exit(1))
request.end()
