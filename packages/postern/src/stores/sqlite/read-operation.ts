import type {
  EventDetail,
  ListPage,
  ListQuery,
  RejectedPage,
  RejectedQuery,
  StateEntry,
  StoreInspection,
  StoreStat,
} from '../../inbox/index.ts'

/** What is read on a connection of its own, so that no list delays a commit. */
export type ReadOperation =
  | { readonly verb: 'get'; readonly eventSeq: number }
  | { readonly verb: 'list'; readonly query: ListQuery }
  | { readonly verb: 'stat'; readonly nowMs: number }
  | { readonly verb: 'inspect' }
  | { readonly verb: 'rejected'; readonly query: RejectedQuery }
  | { readonly verb: 'recall'; readonly key: string; readonly nowMs: number }
  | { readonly verb: 'entries'; readonly prefix: string; readonly nowMs: number }
  /** Copies the WAL into the file as far as nobody is in the way; answers what is left in it. */
  | { readonly verb: 'checkpoint' }

export interface ReadResultOf {
  readonly get: EventDetail | undefined
  readonly list: ListPage
  readonly stat: Omit<StoreStat, 'commits'>
  /** The clock is the caller's. */
  readonly inspect: Omit<StoreInspection, 'clockAheadMs'>
  readonly rejected: RejectedPage
  readonly recall: string | undefined
  readonly entries: readonly StateEntry[]
  readonly checkpoint: { readonly walPages: number }
}
