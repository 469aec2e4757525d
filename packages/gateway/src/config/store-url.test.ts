import { expect, test } from 'vitest'
import { parseStore } from './store-url.ts'

test.each([
  ['sqlite:events.db', '/srv/app/events.db'],
  ['sqlite:/var/lib/events.db', '/var/lib/events.db'],
  ['sqlite:///var/lib/events.db', '/var/lib/events.db'],
  ['sqlite:../events.db', '/srv/events.db'],
])('%s is %s', (text, path) => {
  expect(parseStore(text, '/srv/app', 'POSTERN_STORE')).toEqual({ ok: true, value: { kind: 'sqlite', path } })
})

test.each(['sqlite:', 'sqlite::memory:', 'events.db', '/var/lib/events.db', '', 'SQLITE:x', 'C:\\events.db'])(
  '%j is refused by name',
  (text) => {
    expect(parseStore(text, '/srv/app', 'POSTERN_STORE')).toMatchObject({
      problems: [{ path: 'POSTERN_STORE' }],
    })
  },
)

test('another scheme is named, with what is supported, and without the password in its URL', () => {
  const parsed = parseStore('postgres://postern:hunter2@db/postern', '/srv/app', 'POSTERN_STORE')
  const [message = ''] = parsed.ok ? [] : parsed.problems.map((problem) => problem.message)
  expect(message).toContain("'postgres'")
  expect(message).toContain('sqlite:PATH')
  expect(message).not.toContain('hunter2')
})
