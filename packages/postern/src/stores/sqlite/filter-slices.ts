import { placesOf } from './key-filter.ts'

/** Filters that share a block: one word of it says for one place which of them have that bit. */
const FILTERS_PER_BLOCK = 32

/**
 * The filters of many generations, asked all at once. They stand side by side, a bit of each in one word, so that eight
 * words answer for 32 of them; one after another, 150 filters would cost a put more than everything else it does.
 */
export class FilterSlices {
  readonly #bits: number
  readonly #blocks: Block[] = []

  constructor(bits: number) {
    this.#bits = bits
  }

  get generations(): number[] {
    return this.#blocks.flatMap(({ columns }) => columns.filter((generation) => generation !== undefined))
  }

  add(generation: number, filter: Uint8Array): void {
    const block = this.#blockWithSpace()
    const column = block.columns.indexOf(undefined)
    block.columns[column] = generation
    const { words } = block
    for (let place = 0; place < words.length; place += 1) {
      const bit = ((filter[place >>> 3] ?? 0) >>> (place & 7)) & 1
      words[place] = (words[place] ?? 0) | (bit << column)
    }
  }

  remove(generation: number): void {
    const index = this.#blocks.findIndex(({ columns }) => columns.includes(generation))
    const block = this.#blocks[index]
    if (block === undefined) return
    const column = block.columns.indexOf(generation)
    block.columns[column] = undefined
    if (block.columns.every((each) => each === undefined)) this.#blocks.splice(index, 1)
    else block.words.forEach((word, place) => (block.words[place] = word & ~(1 << column)))
  }

  /** The generations that may hold a key, the newest first. */
  candidates(key: Uint8Array): number[] {
    if (this.#blocks.length === 0) return []
    const places = placesOf(key, this.#bits)
    const found: number[] = []
    for (const { words, columns } of this.#blocks) {
      for (let rest = columnsWithAll(words, places); rest !== 0; rest &= rest - 1) {
        const generation = columns[lowestBit(rest)]
        if (generation !== undefined) found.push(generation)
      }
    }
    return found.toSorted((left, right) => right - left)
  }

  #blockWithSpace(): Block {
    const block = this.#blocks.find(({ columns }) => columns.includes(undefined))
    if (block !== undefined) return block
    const empty = {
      words: new Int32Array(this.#bits),
      columns: Array.from<number | undefined>({ length: FILTERS_PER_BLOCK }),
    }
    this.#blocks.push(empty)
    return empty
  }
}

interface Block {
  /** One for each place of a filter, with a bit for each column. */
  readonly words: Int32Array
  /** Which generation's filter is in a column, if any. */
  readonly columns: (number | undefined)[]
}

/** The columns with every one of the bits. Two fifths of the bits are set at most, so that most are out after a few places. */
function columnsWithAll(words: Int32Array, places: readonly number[]): number {
  let columns = -1
  for (const place of places) {
    columns &= words[place] ?? 0
    if (columns === 0) break
  }
  return columns
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word)
}
