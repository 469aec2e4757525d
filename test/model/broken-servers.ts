import type { Clause } from '../../packages/postern/src/testing/index.ts'
import type { Broken, Change } from './broken.ts'
import type { postgresRaces, redisRaces } from './races.ts'

/** A broken store over a server, and what must find it: the cases of a clause of the contract, the model, or a race. */
export interface ServerBreak extends Broken {
  readonly clause: Clause | 'model' | keyof typeof postgresRaces | keyof typeof redisRaces
}

/** Wake-ups only: where they are lost, a claim's own poll would find the work nearly as soon. */
export const PATIENT_POSTGRES: Change = {
  file: 'stores/postgres/postgres.ts',
  from: 'const UNHEARD_POLL_MS = 250',
  to: 'const UNHEARD_POLL_MS = 60_000',
}
export const PATIENT_REDIS: Change = {
  file: 'stores/redis/redis.ts',
  from: 'const POLL_MS = 1000',
  to: 'const POLL_MS = 60_000',
}
