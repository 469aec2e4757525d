import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { networksOf } from '../../packages/gateway/src/forward/networks.ts'
import { Target, type Sent } from '../../packages/gateway/src/forward/target.ts'
import { answer, ScriptedTarget } from '../support/scripted-target.ts'

const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

interface Case {
  readonly server: ScriptedTarget
  readonly target: Target
  post(signal?: AbortController): Promise<Sent>
}

async function against(
  behave: (socket: Socket, request: string) => void,
  timeoutMs = 5000,
  connections = 4,
): Promise<Case> {
  const server = await ScriptedTarget.listen(behave)
  const target = new Target({
    url: new URL(server.url),
    connections,
    timeoutMs,
    allowNetworks: networksOf(['127.0.0.1']),
  })
  open.push(target, server)
  return {
    server,
    target,
    post: (attempt = new AbortController()) => target.post(['webhook-id', 'x'], Buffer.from('{}'), attempt),
  }
}

describe('a redirect is an answer and is not followed', () => {
  test.each([301, 302, 303, 307, 308])('%i', async (status) => {
    const inside = await ScriptedTarget.listen((socket) => socket.end(answer(200)))
    open.push(inside)
    const headers = [`Location: ${inside.url}`, `Refresh: 0; url=${inside.url}`]
    const { post, server } = await against((socket) => socket.write(answer(status, '', headers)))
    expect(await post()).toMatchObject({ kind: 'answered', status })
    expect([server.requests, inside.connections]).toEqual([1, 0])
  })
})

describe('within its deadline fails', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['one that never answers', () => {}],
    [
      'one that sends its head byte by byte',
      (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nX: ' + 'x'.repeat(5000)),
    ],
    [
      'one that only ever hints',
      (socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000), 28),
    ],
  ])('%s', async (_what, behave) => {
    const { post, server } = await against(behave, 300)
    const startedMs = performance.now()
    expect(await post()).toMatchObject({ kind: 'failed', text: 'no answer within 300 ms' })
    expect(performance.now() - startedMs).toBeLessThan(5000)
    await until(() => server.closed > 0)
  })

  test('one whose connection is never made', async () => {
    const target = new Target({
      url: new URL('https://slow.example/'),
      connections: 1,
      timeoutMs: 200,
      allowNetworks: networksOf([]),
      resolve: () => new Promise(() => {}),
    })
    open.push(target)
    const sent = await Promise.all(
      [1, 2].map(() => target.post([], Buffer.from('{}'), new AbortController())),
    )
    expect(sent).toMatchObject([{ kind: 'failed' }, { kind: 'failed' }])
  })
})

describe('of an answer no more than 16 KB is taken', () => {
  test.each([200, 500])('of one without an end, after status %i', async (status) => {
    let written = 0
    const { post, server } = await against((socket) => {
      socket.write(`HTTP/1.1 ${status} Text\r\nTransfer-Encoding: chunked\r\n\r\n`)
      const more = (): void => {
        while (!socket.destroyed && socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`)) written += 0x4000
        written += 0x4000
      }
      socket.on('drain', more)
      more()
    })
    const startedMs = performance.now()
    const sent = await post()
    expect(sent).toMatchObject({ kind: 'answered', status })
    expect(sent.kind === 'answered' && sent.excerpt.length).toBeLessThanOrEqual(300)
    expect(performance.now() - startedMs).toBeLessThan(5000)
    await until(() => server.closed > 0)
    // What the kernel's buffers took in before the connection was cut.
    expect(written).toBeLessThan(20_000_000)
  })

  test('of one that trickles for ever after its status', async () => {
    const { post, server } = await against((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n')
      drip(socket, 'x'.repeat(5000))
    })
    const startedMs = performance.now()
    expect(await post()).toMatchObject({ kind: 'answered', status: 200 })
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    await until(() => server.closed > 0)
  })

  test('and a bomb is not inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(100_000_000))
    const { post } = await against((socket) => {
      socket.write(`HTTP/1.1 500 Text\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`)
      socket.write(bomb)
    })
    const beforeBytes = process.memoryUsage().rss
    const sent = await post()
    expect(sent).toMatchObject({ kind: 'answered', status: 500 })
    expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(50_000_000)
  })
})

describe('a lie about the length', () => {
  test('that promises more than comes changes nothing about the status', async () => {
    const { post } = await against((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort'),
    )
    expect(await post()).toMatchObject({ kind: 'answered', status: 200 })
  })

  test('that promises less does not become the next answer', async () => {
    let requests = 0
    const { post } = await against((socket) => {
      requests += 1
      // What comes after the two bytes would be taken for the answer to the next request.
      socket.write(
        requests === 1 ? 'HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno' + answer(200, 'yes') : answer(503),
      )
    })
    expect(await post()).toMatchObject({ kind: 'answered', status: 500 })
    expect(await post()).not.toMatchObject({ kind: 'answered', status: 200 })
  })

  test.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`],
    ['nothing', ''],
  ])('or %s is no answer', async (_what, text) => {
    const { post } = await against((socket) => socket.end(text))
    expect(await post()).toMatchObject({ kind: 'failed', text: expect.stringMatching(/^.{1,300}$/) })
  })
})

test('what is refused or reset fails and says so', async () => {
  const reset = await against((socket) => socket.resetAndDestroy())
  expect(await reset.post()).toMatchObject({ kind: 'failed', text: expect.stringMatching(/connection was/) })
  const refused = await against(() => {})
  await refused.server.close()
  expect(await refused.post()).toMatchObject({
    kind: 'failed',
    text: expect.stringContaining('ECONNREFUSED'),
  })
})

test('an attempt that is broken off ends within a second or so, and its connection with it', async () => {
  const { post, server } = await against(() => {})
  const stop = new AbortController()
  const sent = post(stop)
  await until(() => server.requests === 1)
  stop.abort(new Error('the worker is stopping'))
  expect(await sent).toMatchObject({ kind: 'failed', text: 'the worker is stopping' })
  await until(() => server.closed > 0)
})

test('what was broken off while it stood in line is not sent later', async () => {
  const waiting: Socket[] = []
  const { server, target, post } = await against((socket) => void waiting.push(socket), 5000, 1)
  const [first, stop] = [post(), new AbortController()]
  await until(() => server.requests === 1)
  const second = target.post(['webhook-id', 'second'], Buffer.from('{}'), stop)
  stop.abort(new Error('too late'))
  expect(await second).toMatchObject({ kind: 'failed', text: 'too late' })
  const third = post()
  waiting[0]!.write(answer(204))
  expect(await first).toMatchObject({ status: 204 })
  await until(() => waiting.length === 2)
  waiting[1]!.write(answer(204))
  expect(await third).toMatchObject({ status: 204 })
  expect(server.requests).toBe(2)
})

test('connections are kept, and there are no more than allowed', async () => {
  const { post, server } = await against((socket) => void setTimeout(() => socket.write(answer(204)), 5))
  const sent = await Promise.all(Array.from({ length: 40 }, () => post()))
  expect(sent.every((each) => each.kind === 'answered' && each.status === 204)).toBe(true)
  expect(server.requests).toBe(40)
  expect(server.connections).toBeLessThanOrEqual(4)
})

test('an excerpt is one line of plain text', async () => {
  const body = 'bad\r\n\u001b[31mred\u0000 \u{1f600} ' + 'x'.repeat(1000)
  const { post } = await against((socket) => socket.write(answer(500, body)))
  const sent = await post()
  expect(sent.kind === 'answered' && sent.excerpt).toMatch(/^bad \[31mred 😀 x+$/u)
})

function drip(socket: Socket, text: string, step = 1): void {
  let at = 0
  const timer = setInterval(() => {
    socket.write(text.slice(at, at + step))
    at += step
  }, 5)
  socket.on('close', () => clearInterval(timer))
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries += 1) await pause(10)
  expect(holds()).toBe(true)
}
