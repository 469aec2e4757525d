import type { Field, Message } from './message.ts'
import { fitted } from './plain-text.ts'
import type { Severity } from './severity.ts'

/** By Slack's reference of blocks: text of a section 3,000 characters, a field of it 2,000, ten fields. */
const LONGEST_SECTION_CHARS = 3000
const LONGEST_FIELD_CHARS = 2000
const MOST_FIELDS = 10
/** What stands in a notification of the phone. */
const LONGEST_FALLBACK_CHARS = 500

const SIGNS: Readonly<Record<Severity, string>> = {
  critical: ':red_circle:',
  warning: ':large_yellow_circle:',
  info: ':large_blue_circle:',
}
/** Slack's own three ("Escaping text"): without `<` there is no mention of a person, a group or `<!here>`, and no hidden link. */
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
/**
 * They would end our bold, or make code of half a message: their likes are put in their place. Not for `_`, which ids have and
 * people copy, and which makes italics at worst.
 */
const MARKS: Readonly<Record<string, string>> = { '*': '∗', '~': '∼', '`': 'ˋ' }

/** An incoming webhook's body: blocks, and a text for where no blocks are shown. */
export function slackBody(message: Message): object {
  const sign = message.isEnd ? ':large_green_circle:' : SIGNS[message.severity]
  const title = escaped(message.title, 300)
  const text = message.text === undefined ? '' : `\n${escaped(message.text, LONGEST_SECTION_CHARS - 400)}`
  return {
    text: `${sign} ${escaped(message.title, LONGEST_FALLBACK_CHARS)}`,
    // Whatever looks like a link or a name in an event stays a text.
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'section', text: mrkdwn(`${sign} *${title}*${text}`) },
      ...(message.fields.length === 0
        ? []
        : [{ type: 'section', fields: message.fields.slice(0, MOST_FIELDS).map(fieldOf) }]),
      { type: 'context', elements: [mrkdwn(contextOf(message))] },
    ],
  }
}

function fieldOf({ label, value }: Field): object {
  return mrkdwn(`*${escaped(label, 200)}*\n${escaped(value, LONGEST_FIELD_CHARS - 300)}`)
}

function contextOf({ source, type, id, created }: Message): string {
  const words = [source, type, id].map((word) => escaped(word, 400))
  return [...words, ...(created === undefined ? [] : [created.toISOString()])].join(' · ')
}

/** `verbatim`: otherwise Slack makes links of URLs, channels' names and some mentions by itself. */
function mrkdwn(text: string): object {
  return { type: 'mrkdwn', text, verbatim: true }
}

function escaped(text: string, most: number): string {
  return fitted(text, most, (character) => ENTITIES[character] ?? MARKS[character] ?? character)
}
