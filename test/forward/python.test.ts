import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { forwardingInbox, OTHER_SECRET, SECRET, storedEvent, until } from '../support/forwarding.ts'

/** One line of `python-receiver.py` for each request. */
interface Report {
  readonly authentic: boolean
  readonly first: boolean
  readonly id: string
  /** In base64. */
  readonly body: string
}

interface PythonReceiver {
  readonly url: string
  readonly reports: readonly Report[]
}

/** A team's service: Python's standard library, and the specification. */
async function pythonReceiver(secret: string): Promise<PythonReceiver> {
  const child = spawn('python3', ['test/support/python-receiver.py'], {
    env: { ...process.env, SECRET: secret },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  onTestFinished(() => {
    child.kill()
    return ended
  })
  const reports: Report[] = []
  const port = await new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    let hasPort = false
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (hasPort) reports.push(JSON.parse(line) as Report)
      else resolve(line)
      hasPort = true
    })
  })
  return { url: `http://127.0.0.1:${port}/`, reports }
}

test('a receiver in Python verifies what is forwarded, byte for byte, and drops what it has had', async () => {
  const receiver = await pythonReceiver(SECRET)
  const { send, store } = await forwardingInbox({
    destinations: { team: { url: receiver.url, secrets: [OTHER_SECRET, SECRET] } },
  })
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const bodies = [
    '{ "type":"order.paid",\r\n\t"n": 1.50, "text": "é \\u00e9 \u{1f600}" }\n',
    `{"type":"large","text":"${'x'.repeat(900_000)}"}`,
  ]
  await send('evt_a', bodies[0])
  await send('evt_b', bodies[1])
  // What no source would take as an event is sent on as it is all the same.
  await store.put([
    { ...storedEvent(3, ['team']), body: every },
    { ...storedEvent(4, ['team']), body: Buffer.alloc(0) },
  ])
  await until(() => receiver.reports.length === 4)
  expect(receiver.reports.every(({ authentic, first }) => authentic && first)).toBe(true)
  const got = receiver.reports.map(({ body }) => body)
  const sent = [...bodies.map((body) => Buffer.from(body)), every, Buffer.alloc(0)]
  expect(got.toSorted()).toEqual(sent.map((body) => body.toString('base64')).toSorted())
})

test('and refuses what is signed with another key', async () => {
  const receiver = await pythonReceiver(SECRET)
  const inbox = await forwardingInbox({
    destinations: { team: { url: receiver.url, secrets: [OTHER_SECRET], retry: { attempts: 1 } } },
  })
  await inbox.send('evt_a')
  await until(async () => (await inbox.store.get(1))?.deliveries[0]?.state === 'dead')
  expect(receiver.reports.map(({ authentic }) => authentic)).toEqual([false])
  expect((await inbox.store.get(1))?.deliveries[0]?.error).toBe('Error: HTTP 401')
})
