import { expect, test } from 'vitest'
import { environmentSecrets, secretVariable } from './secret-variable.ts'

test.each([
  ['vastai', 'VASTAI_WEBHOOK_SECRET'],
  ['my-source', 'MY_SOURCE_WEBHOOK_SECRET'],
  ['a_b-2', 'A_B_2_WEBHOOK_SECRET'],
])('the variable of %s is %s', (source, variable) => {
  expect(secretVariable(source)).toBe(variable)
})

test('during a rotation the newer secret comes first', () => {
  const env = { VASTAI_WEBHOOK_SECRET: 'new', VASTAI_WEBHOOK_SECRET_2: 'old' }
  expect(environmentSecrets(env, 'vastai')).toEqual({ kind: 'set', secrets: ['new', 'old'] })
})

test.each(['', '  ', '\n'])('a value of %j is blank, not a secret', (value) => {
  expect(environmentSecrets({ VASTAI_WEBHOOK_SECRET: value }, 'vastai')).toEqual({ kind: 'blank' })
})

test('a blank second secret is not there', () => {
  const env = { VASTAI_WEBHOOK_SECRET: 'new', VASTAI_WEBHOOK_SECRET_2: ' ' }
  expect(environmentSecrets(env, 'vastai')).toEqual({ kind: 'set', secrets: ['new'] })
})

test('a second secret alone sets nothing: which of the two is meant is unclear', () => {
  expect(environmentSecrets({ VASTAI_WEBHOOK_SECRET_2: 'old' }, 'vastai')).toEqual({ kind: 'unset' })
})
