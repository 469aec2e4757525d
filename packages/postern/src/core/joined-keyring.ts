import { Keyring } from './keyring.ts'

/**
 * The keys of two keyrings, one after the other, as each has made them: a method may know more of a key than its bytes. Apart
 * from `Keyring`, which every app bundles.
 */
export class JoinedKeyring extends Keyring {
  readonly #first: Keyring
  readonly #second: Keyring
  override readonly size: number
  override readonly hasWeakKey: boolean

  constructor(first: Keyring, second: Keyring) {
    super([], { as: 'utf8' })
    this.#first = first
    this.#second = second
    this.size = first.size + second.size
    this.hasWeakKey = first.hasWeakKey || second.hasWeakKey
  }

  override forEach(visit: (key: Uint8Array, index: number) => void): void {
    this.#first.forEach(visit)
    this.#second.forEach((key, index) => visit(key, this.#first.size + index))
  }

  override digests(): readonly string[] {
    return [...this.#first.digests(), ...this.#second.digests()]
  }

  override first(): Uint8Array | undefined {
    return this.#first.first() ?? this.#second.first()
  }
}
