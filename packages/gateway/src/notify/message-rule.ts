import type { Filter } from '../forward/index.ts'
import type { Severity } from './severity.ts'

/** How events are told, as data: nothing in it is evaluated, and paths read an event's own members alone. */
export interface MessageRule {
  /** The provider's name, whatever the source is called. */
  readonly provider: string
  /** Default: every type. */
  readonly types?: readonly string[]
  readonly where?: Filter
  readonly severity: Severity | SeverityAt
  /** What stands in its place is the type, where nothing of it is in the event. */
  readonly title: Template
  readonly text?: Template
  /** A label and the path of its value; one that is not there is left out. */
  readonly fields?: Readonly<Record<string, string>>
  /** See `Message.problem`; none where a part of it is missing. */
  readonly problem?: Template
  readonly isEnd?: true
}

/** Texts, and values out of the event. */
export type Template = readonly (string | ValueAt)[]

export interface ValueAt {
  /** Paths in the body, as a filter has them; the first that has a text, a number, true or false counts. */
  readonly at: string | readonly string[]
  /** Of the text only the digits behind its first `#`. */
  readonly pick?: 'number'
}

/** By a text in the body, in whatever case. */
export interface SeverityAt {
  readonly at: string
  readonly values: Readonly<Record<string, Severity>>
  readonly otherwise: Severity
}
