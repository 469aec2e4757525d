import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { shellQuote } from './shell-quote.ts'

const hostile = [
  `x'; touch /tmp/owned; '`,
  '$(touch /tmp/owned)',
  '`touch /tmp/owned`',
  '"; exit 1; "',
  '!!',
  '~root',
  '*',
  'a b',
  '',
  '-rf',
  '#no comment',
  '\\',
  `'`,
  `''`,
  'größe 東京',
  'a\nb',
  '${IFS}x',
  '=ls',
]

test.each(hostile)('a real shell reads %j as one argument with just these characters', (text) => {
  const script = `printf '%s\\0' ${shellQuote(text)}`
  expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })).toBe(`${text}\0`)
})

describe('what needs no quotes gets none', () => {
  test.each(['resource.created', '@.postern/rejected/000001.json', 'http://localhost:3000/webhooks/vastai'])(
    '%s',
    (text) => expect(shellQuote(text)).toBe(text),
  )
})
