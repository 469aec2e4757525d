import type { Severity } from './severity.ts'

/** What is to be told, before it is put into the form of anybody's API. Every text in it is one line, and foreign. */
export interface Message {
  readonly severity: Severity
  readonly title: string
  readonly text: string | undefined
  readonly fields: readonly Field[]
  readonly source: string
  readonly type: string
  readonly id: string
  readonly created: Date | undefined
  /** What ties the end of a trouble to its beginning, within the source; `undefined` where it is known by its event alone. */
  readonly problem: string | undefined
  /** Whether it tells of the end of `problem`. */
  readonly isEnd: boolean
}

export interface Field {
  readonly label: string
  readonly value: string
}
