import type { Message } from './message.ts'
import { fitted } from './plain-text.ts'
import type { Severity } from './severity.ts'

/**
 * By Discord's reference an embed has a title of 256 characters, a description of 4,096, 25 fields of 256 and 1,024, a footer of
 * 2,048, and 6,000 in all: so shared out that no message can come to more.
 */
const LONGEST = { title: 256, description: 2000, label: 60, value: 240, footer: 600 } as const
const MOST_FIELDS = 10

const COLOURS: Readonly<Record<Severity, number>> = { critical: 0xd73a49, warning: 0xdbab09, info: 0x0366d6 }
const COLOUR_OF_ENDS = 0x28a745
/** Markdown's own, and what a mention, a link in brackets or a bare URL needs. */
const MARKS = /[\\*_~`|>#<[\](){}@:/-]/

/** A webhook's body: one embed, which mentions nobody. */
export function discordBody(message: Message): object {
  const { title, text, fields, severity, isEnd } = message
  return {
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: escaped(title, LONGEST.title),
        ...(text !== undefined && { description: escaped(text, LONGEST.description) }),
        color: isEnd ? COLOUR_OF_ENDS : COLOURS[severity],
        fields: fields.slice(0, MOST_FIELDS).map(({ label, value }) => ({
          name: escaped(label, LONGEST.label),
          value: escaped(value, LONGEST.value),
          inline: true,
        })),
        // Shown as it is.
        footer: { text: fitted(`${message.source} · ${message.type} · ${message.id}`, LONGEST.footer) },
        ...(message.created !== undefined && { timestamp: message.created.toISOString() }),
      },
    ],
  }
}

function escaped(text: string, most: number): string {
  return fitted(text, most, (character) => (MARKS.test(character) ? `\\${character}` : character))
}
