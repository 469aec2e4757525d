import { PosternError } from '../../core/index.ts'
import { nameOf } from './names.ts'
import type { Space } from './space.ts'
import type { Spaces } from './spaces.ts'

/** Numbers of a source end with its own three digits: that is how a number alone tells where its event is. */
export const NUMBERS_STEP = 1000

/** How old the list of sources may be, in which other nodes may have enrolled theirs. */
const KNOWN_FOR_MS = 1000

/** A cluster: a space for each source, since all keys of a script are in one slot. */
export class ClusterSpaces implements Spaces {
  readonly home: Space
  readonly #prefix: string
  readonly #make: (prefix: string, index: number) => Space
  readonly #bySource = new Map<string, Promise<Space>>()
  readonly #byIndex = new Map<number, Space>()
  #known: Promise<void> | undefined
  #knownMs = -Infinity
  #turn = 0

  /** @param make Makes the space of a source, whose keys begin with `{name}:`. */
  constructor(prefix: string, home: Space, make: (prefix: string, index: number) => Space) {
    this.home = home
    this.#prefix = prefix
    this.#make = make
  }

  sourcePrefix(source: string): string {
    return this.#prefixOf(nameOf(source))
  }

  of(source: string): Promise<Space> {
    const known = this.#bySource.get(source) ?? this.#enrol(nameOf(source))
    this.#bySource.set(source, known)
    known.catch(() => this.#bySource.delete(source))
    return known
  }

  async at(seq: number): Promise<Space | undefined> {
    const index = seq % NUMBERS_STEP
    if (!this.#byIndex.has(index)) await this.#lookUp()
    return this.#byIndex.get(index)
  }

  /** Another one comes first each time, so that none is served last for ever. */
  async all(): Promise<readonly Space[]> {
    if (performance.now() - this.#knownMs > KNOWN_FOR_MS) await this.#lookUp()
    const spaces = [...this.#byIndex.values()]
    this.#turn += 1
    const first = spaces.length === 0 ? 0 : this.#turn % spaces.length
    return [...spaces.slice(first), ...spaces.slice(0, first)]
  }

  async #enrol(name: string): Promise<Space> {
    const { value } = await this.home.alone(['enrol', name, NUMBERS_STEP - 1])
    if (typeof value !== 'number') {
      throw new PosternError(
        'bad_config',
        `In a Redis cluster there can be ${NUMBERS_STEP - 1} sources at most`,
      )
    }
    return this.#spaceAt(value, name)
  }

  #lookUp(): Promise<void> {
    this.#known ??= this.#readSources().finally(() => (this.#known = undefined))
    return this.#known
  }

  async #readSources(): Promise<void> {
    const { value } = await this.home.read(['sources'])
    // Names and indexes in turn.
    const flat = (value as readonly Buffer[]).map(String)
    for (let at = 0; at + 1 < flat.length; at += 2) this.#spaceAt(Number(flat[at + 1]), flat[at] ?? '')
    this.#knownMs = performance.now()
  }

  #spaceAt(index: number, name: string): Space {
    const space = this.#byIndex.get(index) ?? this.#make(this.#prefixOf(name), index)
    this.#byIndex.set(index, space)
    return space
  }

  #prefixOf(name: string): string {
    return `${this.#prefix}{${name}}:`
  }
}
