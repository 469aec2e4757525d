/**
 * A few short texts that must outlive the process and are not events: which secret matched when, pauses, cursors.
 * A side port, so that the Store contract stays small. Keys and values hold no zero character: an engine may end a text
 * there.
 */
export interface SmallState {
  /** The value of a key; `undefined` where there is none, or its time is over. */
  get(key: string): Promise<string | undefined>
  /** Sets a value, durably; `undefined` removes it. With `forMs` it is forgotten after that time. */
  set(key: string, value: string | undefined, options?: { readonly forMs?: number }): Promise<void>
  /** Every key that starts with a prefix, with its value, in the order of the keys' code points. */
  list(prefix: string): Promise<readonly StateEntry[]>
}

/** A key whose time is not over, with its value. */
export interface StateEntry {
  readonly key: string
  readonly value: string
}

/** What `createPostern` takes as its store, beside the contract. */
export interface HasSmallState {
  readonly state: SmallState
}
