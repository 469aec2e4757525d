import { expect, test } from 'vitest'
import { explainFailure } from './explain-failure.ts'

const URL = 'postgres://postern:hunter%232@db/inbox?password=swordfish'

test.each<[string, unknown, RegExp]>([
  [
    'a refused connection',
    Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
    /127\.0\.0\.1:1; .*running/,
  ],
  [
    'a name with several addresses, whose own message is empty',
    new AggregateError([Object.assign(new Error('connect ECONNREFUSED ::1:1'), { code: 'ECONNREFUSED' })]),
    /::1:1; .*running/,
  ],
  [
    'a wrong password',
    Object.assign(new Error('password authentication failed'), { code: '28P01' }),
    /password is wrong/,
  ],
  [
    'a wrong Redis password',
    new Error('WRONGPASS invalid username-password pair'),
    /pair; .*password is wrong/,
  ],
  [
    'what a store has wrapped',
    new Error('PostgreSQL: no', {
      cause: Object.assign(new Error('database "x" does not exist'), { code: '3D000' }),
    }),
    /^database "x" does not exist; .*createdb/,
  ],
  [
    'a certificate of one’s own',
    Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    /NODE_EXTRA_CA_CERTS/,
  ],
  ['what nobody knows', new Error('out of cheese'), /^out of cheese$/],
  ['what is no error', 'odd', /^odd$/],
])('%s is explained', (_what, error, message) => {
  expect(explainFailure(error, URL)).toMatch(message)
})

test('secrets of the URL are cut out, as they are and as they are written', () => {
  const text = explainFailure(new Error(`cannot parse ${URL}: hunter%232, hunter#2 or swordfish`), URL)
  expect(text).toBe('cannot parse ***: ***, *** or ***')
})
