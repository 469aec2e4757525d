import * as fc from 'fast-check'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { plainArray, textArray } from './array-literal.ts'
import { fromNullableText } from '../../inbox/index.ts'

describe.skipIf(leftOut().includes('postgres'))('arrays, as the server reads them', () => {
  let pool: Pool

  beforeAll(() => {
    pool = new Pool({ connectionString: inject('postgresUrl') ?? '' })
  })

  afterAll(() => pool?.end())

  test('every text and every null comes back', async () => {
    const odd = fc.constantFrom(
      '',
      'null',
      'NULL',
      '{',
      '}',
      ',',
      '"',
      '\\',
      '\\n',
      '\n',
      '\0',
      '\u0001',
      '\ud800',
      '🪝',
    )
    const texts = fc.array(
      fc.option(
        fc.oneof(
          odd,
          fc.string({ unit: 'binary' }),
          fc.array(odd).map((all) => all.join('')),
        ),
      ),
    )
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        const { rows } = await pool.query<{ texts: (string | null)[] }>('SELECT $1::text[] AS texts', [
          textArray(values),
        ])
        expect(rows[0]!.texts.map(fromNullableText)).toEqual(values.map((value) => value ?? undefined))
      }),
      { numRuns: 200 },
    )
  })

  test('numbers, booleans and nulls come back', async () => {
    const { rows } = await pool.query('SELECT $1::bigint[]::text[] AS numbers, $2::boolean[] AS booleans', [
      plainArray([1, null, Number.MAX_SAFE_INTEGER]),
      plainArray([true, false, null]),
    ])
    expect(rows).toEqual([{ numbers: ['1', null, '9007199254740991'], booleans: [true, false, null] }])
  })
})
