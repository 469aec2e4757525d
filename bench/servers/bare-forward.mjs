// A floor for forwarding: reads a request, answers 200, and sends its body on to ten URLs by the client that the gateway uses.
// Nothing is verified, stored, signed or tried again.
//
//   node bare-forward.mjs <target's port> <destinations>
import { createServer } from 'node:http'
import { Pool } from 'undici'

const [targetPort, destinations] = process.argv.slice(2).map(Number)
const pools = Array.from(
  { length: destinations },
  () => new Pool(`http://127.0.0.1:${targetPort}`, { connections: 64, headersTimeout: 0, bodyTimeout: 0 }),
)
const ignored = {
  onRequestStart() {},
  onResponseStart() {},
  onResponseData() {},
  onResponseEnd() {},
  onResponseError(_controller, error) {
    throw error
  },
}

const server = createServer((request, response) => {
  if (request.method !== 'POST') return response.end()
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    response.end()
    const headers = ['content-type', 'application/json']
    pools.forEach((pool, index) =>
      pool.dispatch({ path: `/${index}`, method: 'POST', headers, body }, ignored),
    )
  })
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
