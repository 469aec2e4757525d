import { nameOf } from './names.ts'
import type { Space } from './space.ts'

/** Where a store's events are: in one space on one server, in one for each source in a cluster. */
export interface Spaces {
  /** Where the rejected log and the small state are. */
  readonly home: Space
  /** What the dedupe records of a source begin with. */
  sourcePrefix(source: string): string
  /** The space of a source, made on first use. */
  of(source: string): Promise<Space>
  /** The space that a number is of; `undefined` where no source has such numbers. */
  at(seq: number): Promise<Space | undefined>
  all(): Promise<readonly Space[]>
}

/** One server: one space, and numbers that rise by one. */
export function oneSpace(space: Space, prefix: string): Spaces {
  return {
    home: space,
    sourcePrefix: (source) => `${prefix}${nameOf(source)}:`,
    of: async () => space,
    at: async () => space,
    all: async () => [space],
  }
}
