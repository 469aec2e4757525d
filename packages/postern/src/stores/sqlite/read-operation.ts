import type { EventDetail, KeptRequest, ListPage, ListQuery, StoreStat } from '../../inbox/index.ts'

/** What is read on a connection of its own, so that no list delays a commit. */
export type ReadOperation =
  | { readonly verb: 'get'; readonly eventSeq: number }
  | { readonly verb: 'list'; readonly query: ListQuery }
  | { readonly verb: 'stat'; readonly nowMs: number }
  | { readonly verb: 'recent'; readonly limit: number }
  /** Copies the WAL into the file as far as nobody is in the way; answers what is left in it. */
  | { readonly verb: 'checkpoint' }

export interface ReadResultOf {
  readonly get: EventDetail | undefined
  readonly list: ListPage
  readonly stat: StoreStat
  readonly recent: readonly KeptRequest[]
  readonly checkpoint: { readonly walPages: number }
}
