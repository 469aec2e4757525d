import type { StateEntry } from '../../inbox/index.ts'

/** The small state as a Map: what is past its time counts as absent, and goes at the next change. */
export class Entries {
  readonly #rows = new Map<string, { readonly value: string; readonly expiresMs: number }>()

  get(key: string, nowMs: number): string | undefined {
    const row = this.#rows.get(key)
    return row !== undefined && nowMs < row.expiresMs ? row.value : undefined
  }

  set(key: string, value: string | undefined, forMs: number, nowMs: number): void {
    for (const [name, { expiresMs }] of this.#rows) if (expiresMs <= nowMs) this.#rows.delete(name)
    if (value === undefined) this.#rows.delete(key)
    else this.#rows.set(key, { value, expiresMs: nowMs + forMs })
  }

  list(prefix: string, nowMs: number): StateEntry[] {
    const keys = [...this.#rows.keys()].filter((key) => key.startsWith(prefix)).toSorted(byCodePoint)
    return keys.flatMap((key) => {
      const value = this.get(key, nowMs)
      return value === undefined ? [] : [{ key, value }]
    })
  }
}

/** As UTF-8 sorts; JavaScript's own order puts what lies beyond U+FFFF in the middle. */
function byCodePoint(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
