// The floor: a node:http server that reads the body and answers 200.
import { createServer } from 'node:http'
import { report } from './report.mjs'

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    Buffer.concat(chunks)
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': '17' })
      .end('{"received":true}')
  })
})
server.listen(0, '127.0.0.1', () => report({ port: server.address().port }))
