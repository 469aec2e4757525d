import { claimFunctions } from './claim-function.ts'
import { partitionFunctions } from './partition-functions.ts'
import { putFunction } from './put-function.ts'
import { settleFunction } from './settle-function.ts'
import { settleInFunctions } from './settle-in-function.ts'
import { sharedFunctions } from './shared-functions.ts'
import { tables } from './tables.ts'

/**
 * Each migration is applied once, in order; one that has been released is never edited. Functions carry a number in their
 * name: a later migration adds the next and leaves the old one, so that nodes of two versions work side by side.
 *
 * @param s The schema's name, as SQL.
 */
export const MIGRATIONS: readonly ((s: string) => string)[] = [
  (s) =>
    [
      tables(s),
      sharedFunctions(s),
      putFunction(s),
      claimFunctions(s),
      settleFunction(s),
      settleInFunctions(s),
      partitionFunctions(s),
      `SELECT ${s}.make_partition_1(0); SELECT ${s}.make_partition_1(1);`,
    ].join(''),
]
