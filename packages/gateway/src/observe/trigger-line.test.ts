import { providers } from 'postern/providers'
import { describe, expect, test } from 'vitest'
import { triggerLine, typeForCommand } from './trigger-line.ts'

function typeOf(provider: string, body: string, headers: readonly string[] = []): string {
  const found = providers.find(({ name }) => name === provider)!
  return typeForCommand(found, { method: 'POST', url: '/', headers, body: Buffer.from(body) })
}

test('the line is complete', () => {
  const line = triggerLine({
    source: 'vastai',
    type: "it's",
    url: 'http://localhost:3000/webhooks/vastai',
    dataFile: '.postern/rejected/000001.json',
  })
  expect(line).toBe(
    `npx postern trigger vastai 'it'\\''s' --data @.postern/rejected/000001.json --url http://localhost:3000/webhooks/vastai`,
  )
})

describe('the type is the one the body claims', () => {
  test.each([
    ['castai', '{"type":"resource.created"}', 'resource.created'],
    ['vastai', '{"notif_type":"outbid"}', 'outbid'],
    ['vastai', '{"type":"resource.created"}', 'resource.created'],
    ['anima', '{"event":"message.received"}', 'message.received'],
  ])('%s %s', (provider, body, type) => expect(typeOf(provider, body)).toBe(type))
})

describe('what cannot stand in a command line unmistakably becomes test', () => {
  test.each([
    'no JSON',
    'null',
    '[]',
    '{"type":7}',
    '{"type":""}',
    '{"type":"--url=http://evil.example"}',
    '{"type":"a\\nb"}',
    '{"type":"\\u001b[2J"}',
    '{"type":"a\\u202eb"}',
    '{"type":"\\ud800"}',
    `{"type":"${'x'.repeat(101)}"}`,
    '{"__proto__":{"type":"inherited"}}',
    '['.repeat(100_000),
  ])('%s', (body) => expect(typeOf('castai', body)).toBe('test'))
})
