/** Something that runs, and where it stands among the others. */
export interface Entry<Item> {
  readonly item: Item
  place: number
}

/**
 * What runs now, in no order. A Map that is filled and emptied all the time moves its contents to a new table again and again, and
 * V8 leaves each old table pointing at the next: once one of them has grown old, all that ran since is kept until the next full
 * collection (docs/adr/0019-what-an-event-costs.md).
 */
export class Running<Item> {
  readonly #entries: Entry<Item>[] = []

  get size(): number {
    return this.#entries.length
  }

  add(item: Item): Entry<Item> {
    const entry = { item, place: this.#entries.length }
    this.#entries.push(entry)
    return entry
  }

  /** Once for each. */
  remove({ place }: Entry<Item>): void {
    const last = this.#entries.pop()
    if (last === undefined || last.place === place) return
    this.#entries[place] = last
    last.place = place
  }

  /** As they are now: what ends while the caller looks at them stays among these. */
  all(): readonly Item[] {
    return this.#entries.map(({ item }) => item)
  }

  some(is: (item: Item) => boolean): boolean {
    return this.#entries.some(({ item }) => is(item))
  }
}
