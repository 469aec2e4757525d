import { escapeUnprintable } from '../../observe/escape.ts'
import type { CliContext } from '../context.ts'
import { EXIT } from '../exit-code.ts'

export interface OutputFlags {
  readonly json?: boolean
}

const LONGEST_CELL_CHARS = 120

export function printJson(value: unknown, { stdout }: CliContext): number {
  stdout.write(`${JSON.stringify(value)}\n`)
  return EXIT.ok
}

/** Ids, URLs and errors are from outside: nothing of them moves the cursor. */
export function printTable(rows: readonly (readonly string[])[], { stdout }: CliContext): number {
  const cells = rows.map((row) => row.map((cell) => escapeUnprintable(cell, LONGEST_CELL_CHARS)))
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  )
  for (const row of cells) {
    stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    )
  }
  return EXIT.ok
}
