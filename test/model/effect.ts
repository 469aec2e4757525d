/** What a settlement writes besides, in every store's terms: each world makes its own kind of effect of it. */
export interface Effect {
  /** Used once in a run. */
  readonly name: string
  readonly fails: boolean
}
