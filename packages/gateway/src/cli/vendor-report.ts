import { escapeUnprintable } from '../observe/escape.ts'
import type { CliContext } from './context.ts'

export interface VendorReportOptions {
  readonly context: Pick<CliContext, 'stderr' | 'stdout'>
  readonly isJson: boolean
  /** Standard output holds a secret and nothing else. */
  readonly leavesStdout: boolean
}

const LONGEST_LINE = 2000

/** What a vendor command says: lines as it goes along, or one object at its end. */
export class VendorReport {
  readonly #options: VendorReportOptions

  constructor(options: VendorReportOptions) {
    this.#options = options
  }

  say(line: string): void {
    const { context, isJson, leavesStdout } = this.#options
    if (isJson) return
    const to = leavesStdout ? context.stderr : context.stdout
    to.write(`${escapeUnprintable(line, LONGEST_LINE)}\n`)
  }

  end(result: object): void {
    const { context, isJson, leavesStdout } = this.#options
    if (isJson) (leavesStdout ? context.stderr : context.stdout).write(`${JSON.stringify(result)}\n`)
  }
}
