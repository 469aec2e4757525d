// Puts `fault-shim.c` under a process and tells it what to break.
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('./fault-shim.c', import.meta.url))
const BYTES = 8

/** The numbers that it shares with the process, in the order of `enum field`. */
const FIELDS = /** @type {const} */ ([
  'syncCalls',
  'writeCalls',
  'syncDelayMs',
  'syncFailsFrom',
  'syncFailsUntil',
  'writeFailsFrom',
  'writeFailsUntil',
  'errorNumber',
  'killAtCall',
])

/**
 * Compiles the shim for files under `under`, or says why it cannot.
 * @param {string} folder Where the library and the table go. @param {string} under
 * @returns {FaultShim | { readonly refused: string }}
 */
export function makeFaultShim(folder, under) {
  const library = join(folder, 'fault-shim.so')
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, SOURCE, '-ldl'], {
      stdio: 'pipe',
    })
  } catch (error) {
    return { refused: `breaking the disk under a process takes gcc on Linux: ${error.message}` }
  }
  return new FaultShim(library, join(folder, 'fault-table'), under)
}

export class FaultShim {
  #file
  /** What the process has to be started with. */
  environment

  /** @param {string} library @param {string} table @param {string} under */
  constructor(library, table, under) {
    this.#file = openSync(table, 'w+')
    writeSync(this.#file, Buffer.alloc(FIELDS.length * BYTES))
    this.environment = {
      LD_PRELOAD: library,
      POSTERN_FAULTS_TABLE: table,
      POSTERN_FAULTS_UNDER: under,
      POSTERN_FAULTS_EXCEPT: '',
    }
  }

  /** The same for all files but those whose path ends so. @param {string} ending */
  environmentExcept(ending) {
    return { ...this.environment, POSTERN_FAULTS_EXCEPT: ending }
  }

  /** Syncs so far. */
  get syncCalls() {
    return this.#read('syncCalls')
  }

  /** Writes so far. */
  get writeCalls() {
    return this.#read('writeCalls')
  }

  /** @param {number} delayMs What every sync takes more from now on. */
  slowDown(delayMs) {
    this.#write('syncDelayMs', delayMs)
  }

  /**
   * Fails the nth sync from now and those after it, `times` in all.
   * @param {number} nth @param {number} [times] @param {'EIO' | 'ENOSPC'} [code]
   */
  failSync(nth, times = 1, code = 'EIO') {
    this.#fail('sync', this.syncCalls + nth, times, code)
  }

  /**
   * Fails the nth write from now and those after it, `times` in all.
   * @param {number} nth @param {number} [times] @param {'EIO' | 'ENOSPC'} [code]
   */
  failWrite(nth, times = 1, code = 'EIO') {
    this.#fail('write', this.writeCalls + nth, times, code)
  }

  /** Kills the process at the nth sync or write from now, in the middle of it. @param {number} nth */
  killAtCall(nth) {
    this.#write('killAtCall', this.syncCalls + this.writeCalls + nth)
  }

  /** Breaks nothing any more. */
  heal() {
    for (const field of FIELDS.slice(2)) this.#write(field, 0)
  }

  close() {
    closeSync(this.#file)
  }

  /** @param {'sync' | 'write'} kind @param {number} from @param {number} times @param {'EIO' | 'ENOSPC'} code */
  #fail(kind, from, times, code) {
    this.#write('errorNumber', constants.errno[code])
    this.#write(`${kind}FailsUntil`, from + times)
    // Last: it is what the process looks at first.
    this.#write(`${kind}FailsFrom`, from)
  }

  /** @param {typeof FIELDS[number]} field */
  #read(field) {
    const bytes = Buffer.alloc(BYTES)
    readSync(this.#file, bytes, 0, BYTES, FIELDS.indexOf(field) * BYTES)
    return Number(bytes.readBigInt64LE())
  }

  /** @param {typeof FIELDS[number]} field @param {number} value */
  #write(field, value) {
    const bytes = Buffer.alloc(BYTES)
    bytes.writeBigInt64LE(BigInt(value))
    writeSync(this.#file, bytes, 0, BYTES, FIELDS.indexOf(field) * BYTES)
  }
}
