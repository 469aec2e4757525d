/**
 * MessagePack, as far as the scripts speak it: what a commit carries crosses over as one argument and comes back as one
 * reply. A value for each field would cost the client and the server more than the work itself.
 *
 * @module
 */

/** What is sent: texts as UTF-8, bytes as they are. */
export type Packable = number | string | boolean | Uint8Array | readonly Packable[]

/** What comes back: texts and bytes alike as bytes. */
export type Unpacked = number | boolean | undefined | Buffer | readonly Unpacked[]

/** Packs a value. `expectedBytes` is a guess that spares copying. */
export function pack(value: Packable, expectedBytes = 1024): Buffer {
  const packer = new Packer(expectedBytes)
  packer.add(value)
  return packer.done()
}

/** Reads back what a script has packed. Bytes are views into `packed`. */
export function unpack(packed: Buffer): Unpacked {
  return new Unpacker(packed).next()
}

/** Where a text's length takes two bytes: its characters have three at the most. */
const SHORT_TEXT = Math.floor(0xff_ff / 3)

class Packer {
  #buffer: Buffer
  #at = 0

  constructor(expectedBytes: number) {
    this.#buffer = Buffer.allocUnsafe(expectedBytes)
  }

  add(value: Packable): void {
    if (typeof value === 'string') this.#addText(value)
    else if (typeof value === 'number') this.#addNumber(value)
    else if (typeof value === 'boolean') this.#addByte(value ? 0xc3 : 0xc2)
    else if (value instanceof Uint8Array) this.#addBytes(value)
    else this.#addArray(value)
  }

  done(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  #addText(text: string): void {
    if (text.length > SHORT_TEXT) return this.#addBytes(Buffer.from(text))
    this.#reserve(3 + text.length * 3)
    const written = this.#buffer.write(text, this.#at + 3)
    this.#buffer[this.#at] = 0xda
    this.#buffer.writeUInt16BE(written, this.#at + 1)
    this.#at += 3 + written
  }

  #addBytes(bytes: Uint8Array): void {
    this.#reserve(5 + bytes.byteLength)
    this.#buffer[this.#at] = 0xdb
    this.#buffer.writeUInt32BE(bytes.byteLength, this.#at + 1)
    this.#buffer.set(bytes, this.#at + 5)
    this.#at += 5 + bytes.byteLength
  }

  #addNumber(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value < 128) return this.#addByte(value)
    this.#reserve(9)
    this.#buffer[this.#at] = 0xcb
    this.#buffer.writeDoubleBE(value, this.#at + 1)
    this.#at += 9
  }

  #addArray(values: readonly Packable[]): void {
    this.#reserve(5)
    this.#buffer[this.#at] = 0xdd
    this.#buffer.writeUInt32BE(values.length, this.#at + 1)
    this.#at += 5
    for (const value of values) this.add(value)
  }

  #addByte(byte: number): void {
    this.#reserve(1)
    this.#buffer[this.#at] = byte
    this.#at += 1
  }

  #reserve(bytes: number): void {
    const wanted = this.#at + bytes
    if (wanted <= this.#buffer.byteLength) return
    const larger = Buffer.allocUnsafe(Math.max(wanted, this.#buffer.byteLength * 2))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

class Unpacker {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  next(): Unpacked {
    const type = this.#unsigned(1)
    if (type < 0x80) return type
    if (type >= 0xe0) return type - 0x1_00
    if (type >= 0xa0 && type < 0xc0) return this.#bytes(type & 0x1f)
    if (type >= 0x90 && type < 0xa0) return this.#array(type & 0x0f)
    return this.#long(type)
  }

  #long(type: number): Unpacked {
    switch (type) {
      case 0xc0:
        return undefined
      case 0xc2:
      case 0xc3:
        return type === 0xc3
      case 0xca:
      case 0xcb:
        return this.#float(type === 0xca ? 4 : 8)
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this.#unsigned(2 ** (type - 0xcc))
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#signed(2 ** (type - 0xd0))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#bytes(this.#unsigned(2 ** (type - 0xd9)))
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(type === 0xdc ? 2 : 4))
      default:
        throw new Error(`Byte ${type} at ${this.#at - 1} begins nothing that a script packs`)
    }
  }

  #array(length: number): Unpacked[] {
    const values: Unpacked[] = []
    for (let index = 0; index < length; index += 1) values.push(this.next())
    return values
  }

  #bytes(length: number): Buffer {
    this.#at += length
    return this.#buffer.subarray(this.#at - length, this.#at)
  }

  #unsigned(bytes: number): number {
    const at = this.#at
    this.#at += bytes
    if (bytes === 1) return this.#buffer.readUInt8(at)
    if (bytes < 8) return this.#buffer.readUIntBE(at, bytes)
    return Number(this.#buffer.readBigUInt64BE(at))
  }

  #signed(bytes: number): number {
    const at = this.#at
    this.#at += bytes
    return bytes < 8 ? this.#buffer.readIntBE(at, bytes) : Number(this.#buffer.readBigInt64BE(at))
  }

  #float(bytes: 4 | 8): number {
    this.#at += bytes
    return bytes === 4 ? this.#buffer.readFloatBE(this.#at - 4) : this.#buffer.readDoubleBE(this.#at - 8)
  }
}
