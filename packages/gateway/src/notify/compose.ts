import type { WebhookEvent } from 'postern'
import { readPath, valuesOf, type EventValues } from '../forward/event-values.ts'
import { compileFilter, type Matches } from '../forward/filter.ts'
import type { MessageRule, Template, ValueAt } from './message-rule.ts'
import { MESSAGE_RULES } from './message-rules.ts'
import type { Field, Message } from './message.ts'
import { plainText } from './plain-text.ts'
import type { Severity } from './severity.ts'

/** Makes messages of the events of one provider. Total: whatever stands in an event, there is a message. */
export type Compose = (event: WebhookEvent) => Message

const LONGEST_TITLE_CHARS = 300
const LONGEST_FIELD_CHARS = 300
const LONGEST_LABEL_CHARS = 60
const MOST_FIELDS = 6
const DEEPEST = 3
/** So many members of an object are looked at for an event that nobody has described. */
const MOST_MEMBERS = 50
/** What a member with such a name holds is nobody's to read in a channel. */
const SECRET_NAME = /secret|token|passw|passcode|api_?key|authorization|signature|credential|cookie/i

interface CompiledRule {
  readonly rule: MessageRule
  readonly fits: Matches
}

export function composerFor(provider: string | undefined): Compose {
  const rules = MESSAGE_RULES.filter((rule) => rule.provider === provider).map(compiled)
  return (event) => {
    const rule = rules.find(({ fits }) => fits(event))?.rule
    return rule === undefined ? byFirstFields(event) : byRule(rule, event)
  }
}

function compiled(rule: MessageRule): CompiledRule {
  const { types, where } = rule
  const passes = where && compileFilter(where)
  const fits: Matches = (event) =>
    (types === undefined || types.includes(event.type)) && (passes === undefined || passes(event))
  return { rule, fits }
}

function byRule(rule: MessageRule, event: WebhookEvent): Message {
  const values = valuesOf(event)
  const fields = Object.entries(rule.fields ?? {}).flatMap(([label, at]) =>
    field(label, valueAt(values, { at })),
  )
  return {
    ...named(event),
    severity: severityOf(rule, values),
    title: filled(rule.title, values, LONGEST_TITLE_CHARS) || nameOf(event),
    text: (rule.text && filled(rule.text, values)) || undefined,
    fields,
    problem: rule.problem && wholly(rule.problem, values),
    isEnd: rule.isEnd === true,
  }
}

function severityOf({ severity }: MessageRule, values: EventValues): Severity {
  if (typeof severity === 'string') return severity
  const word = (valueAt(values, { at: severity.at }) ?? '').toLowerCase()
  return Object.hasOwn(severity.values, word)
    ? (severity.values[word] ?? severity.otherwise)
    : severity.otherwise
}

/** What is not in the event is left out, and with nothing of it there the text is empty. */
function filled(template: Template, values: EventValues, most?: number): string {
  const parts = template.map((part) => (typeof part === 'string' ? part : (valueAt(values, part) ?? '')))
  const isEmpty = template.every((part, index) => typeof part !== 'string' && parts[index] === '')
  return isEmpty ? '' : plainText(parts.join(''), most)
}

function wholly(template: Template, values: EventValues): string | undefined {
  const parts = template.map((part) => (typeof part === 'string' ? part : valueAt(values, part)))
  return parts.includes(undefined) ? undefined : parts.join('')
}

function valueAt(values: EventValues, { at, pick }: ValueAt): string | undefined {
  const found = [at]
    .flat()
    .map((path) => scalarText(values.json(readPath(path))))
    .find((text) => text !== undefined)
  return pick === undefined || found === undefined ? found : /#(\d{1,20})/.exec(found)?.[1]
}

/** Of an event that no rule describes: its type, and the first values that stand in it. */
function byFirstFields(event: WebhookEvent): Message {
  return {
    ...named(event),
    severity: 'info',
    title: nameOf(event),
    text: undefined,
    fields: firstFields(valuesOf(event).json([]), event),
    problem: undefined,
    isEnd: false,
  }
}

/** Leaves out what is told anyhow. */
function firstFields(document: unknown, { id, type }: WebhookEvent): readonly Field[] {
  const fields: Field[] = []
  for (const [path, value] of leaves(document, '', DEEPEST)) {
    if (value !== id && value !== type) fields.push(...field(path, value))
    if (fields.length === MOST_FIELDS) break
  }
  return fields
}

/** In the order they stand in, those of an inner object where it stands. */
function* leaves(value: unknown, prefix: string, depth: number): Generator<readonly [string, string]> {
  if (depth === 0) return
  for (const [name, each] of members(value)) {
    const text = scalarText(each)
    if (text !== undefined) yield [prefix + name, text]
    else yield* leaves(each, `${prefix}${name}.`, depth - 1)
  }
}

function members(value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value)
    .slice(0, MOST_MEMBERS)
    .filter(([name]) => !SECRET_NAME.test(name))
}

function field(label: string, value: string | undefined): readonly Field[] {
  const text = value === undefined ? '' : plainText(value, LONGEST_FIELD_CHARS)
  return text === '' ? [] : [{ label: plainText(label, LONGEST_LABEL_CHARS) || '?', value: text }]
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

function named({
  source,
  type,
  id,
  created,
}: WebhookEvent): Pick<Message, 'source' | 'type' | 'id' | 'created'> {
  return {
    source,
    type: plainText(type, LONGEST_FIELD_CHARS),
    id: plainText(id, LONGEST_FIELD_CHARS),
    created: created !== undefined && Number.isNaN(created.getTime()) ? undefined : created,
  }
}

function nameOf({ source, type }: WebhookEvent): string {
  return plainText(`${source}: ${type}`, LONGEST_TITLE_CHARS)
}
