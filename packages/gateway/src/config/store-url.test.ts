import { expect, test } from 'vitest'
import { parseStore } from './store-url.ts'

test.each([
  ['sqlite:events.db', '/srv/app/events.db'],
  ['sqlite:/var/lib/events.db', '/var/lib/events.db'],
  ['sqlite:///var/lib/events.db', '/var/lib/events.db'],
  ['sqlite:../events.db', '/srv/events.db'],
])('%s is %s', (text, path) => {
  expect(parseStore(text, '/srv/app', 'POSTERN_STORE')).toEqual({
    ok: true,
    value: { kind: 'sqlite', address: path, shownAs: path, setting: 'POSTERN_STORE' },
  })
})

test.each([
  ['postgres://postern:hunter2@db.example/inbox?sslmode=require', 'postgres', 'postgres://db.example/inbox'],
  ['postgresql://postern@db.example:6432/inbox', 'postgres', 'postgresql://db.example:6432/inbox'],
  ['postgres:///inbox?host=/run/postgresql&password=hunter2', 'postgres', 'postgres:///inbox'],
  ['redis://:hunter2@cache.example:6380/3', 'redis', 'redis://cache.example:6380/3'],
  ['redis://localhost', 'redis', 'redis://localhost'],
  ['rediss://default:hunter%232@cache.example', 'redis', 'rediss://cache.example'],
])('%s is shown without what is secret', (text, kind, shownAs) => {
  expect(parseStore(text, '/srv/app', 'REDIS_URL')).toEqual({
    ok: true,
    value: { kind, address: text, shownAs, setting: 'REDIS_URL' },
  })
})

test.each([
  'sqlite:',
  'sqlite::memory:',
  'events.db',
  '/var/lib/events.db',
  '',
  'SQLITE:x',
  'C:\\events.db',
  'constructor:x',
])('%j is refused by name', (text) => {
  expect(parseStore(text, '/srv/app', 'POSTERN_STORE')).toMatchObject({
    problems: [{ path: 'POSTERN_STORE' }],
  })
})

test('another scheme is named, with what is supported, and without the password in its URL', () => {
  const message = refusal('mysql://postern:hunter2@db/postern')
  expect(message).toContain("'mysql'")
  expect(message).toContain('sqlite:PATH')
  expect(message).not.toContain('hunter2')
})

test.each([
  'postgres://postern:hunter#2@db/postern',
  'postgres://postern:12#hunter2@db/postern',
  'postgres://postern:12/hunter2@db/postern',
  'postgres://postern:12?hunter2@db/postern',
  'postgres://postern:hun/ter2@db/postern',
  'redis://:hun#ter2@cache',
  'postgres:hun:ter2@db',
])('%s, whose password is not percent-encoded, is refused and not shown', (text) => {
  const message = refusal(text)
  expect(message).toMatch(/%23|SCHEME/)
  expect(message).not.toMatch(/hun|ter2|12[^0-9]*db/)
})

function refusal(text: string): string {
  const parsed = parseStore(text, '/srv/app', 'POSTERN_STORE')
  return parsed.ok
    ? `accepted as ${parsed.value.shownAs}`
    : parsed.problems.map(({ message }) => message).join()
}
