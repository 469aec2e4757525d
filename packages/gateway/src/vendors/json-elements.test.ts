import { array, assert, dictionary, jsonValue, nat, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { elementsOf } from './json-elements.ts'

test('the elements are the text as it came', () => {
  const text = `{ "x": {"messages": [0]}, "messages" : [ {"id": 1, "big":12345678901234567890.10} ,"a\\"],}",\n[1,[2]], null,-1e5]\t,"y":[]}`
  expect(elementsOf(text, 'messages')).toEqual([
    '{"id": 1, "big":12345678901234567890.10}',
    '"a\\"],}"',
    '[1,[2]]',
    'null',
    '-1e5',
  ])
})

test.each([
  '[]',
  '"messages"',
  'null',
  '1',
  '{}',
  '{"messages":{}}',
  '{"messages":"[]"}',
  '{"other":[1]}',
  '',
])('there are none in %s', (text) => expect(elementsOf(text, 'messages')).toBeUndefined())

test('of two members with the name the last counts, as it does in JSON.parse', () => {
  expect(elementsOf('{"messages":[1],"m\\u0065ssages":[2,3]}', 'messages')).toEqual(['2', '3'])
})

test('each is what JSON.parse finds there, however it is written', () => {
  assert(
    property(array(jsonValue()), dictionary(string(), jsonValue()), nat(3), (messages, others, indent) => {
      const text = JSON.stringify({ ...others, messages, after: others }, undefined, indent)
      const found = elementsOf(text, 'messages')?.map((element): unknown => JSON.parse(element))
      expect(found).toEqual((JSON.parse(text) as { messages: unknown }).messages)
    }),
  )
})
