import { expect, test } from 'vitest'
import { discordBody } from './discord.ts'
import type { Message } from './message.ts'
import { incidentBody } from './pagerduty.ts'
import { slackBody } from './slack.ts'
import { summaryOf } from './summary.ts'
import { webhookBody } from './webhook.ts'

const KEY = 'R'.repeat(32)
const PLAIN: Message = {
  severity: 'warning',
  title: 'Outbid',
  text: 'Somebody pays more.',
  fields: [{ label: 'Machine', value: '12345' }],
  source: 'vastai',
  type: 'outbid',
  id: 'evt_1',
  created: new Date(1_795_000_000_000),
  problem: undefined,
  isEnd: false,
}

/** What a sender would write to be heard by everybody, to hide a link, or to look like somebody else. */
const HOSTILE =
  '<!here> <!channel> <@U012> <#C01> <https://evil.example|our bank> @everyone @here <@&99> <@1> ' +
  '[our bank](https://evil.example) *bold* _it_ ~~gone~~ `code` ||spoiler|| # head\n> quote & &lt;!here&gt; :skull:'

/** As hostile, and as long, as a message can be. */
function hostile(text: string): Message {
  const fields = Array.from({ length: 30 }, () => ({ label: text, value: text }))
  return { ...PLAIN, title: text, text, fields, type: text, id: text, problem: text }
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

interface SlackBody {
  readonly text: string
  readonly blocks: readonly {
    readonly type: string
    readonly text?: { readonly text: string; readonly verbatim: boolean; readonly type: string }
    readonly fields?: readonly { readonly text: string; readonly verbatim: boolean }[]
    readonly elements?: readonly { readonly text: string; readonly verbatim: boolean }[]
  }[]
}

interface DiscordBody {
  readonly allowed_mentions: unknown
  readonly embeds: readonly [
    {
      readonly title: string
      readonly description?: string
      readonly fields: readonly { readonly name: string; readonly value: string }[]
      readonly footer: { readonly text: string }
    },
  ]
}

test('Slack gets no mention, no link and no mark that an event brought', () => {
  const body = slackBody(hostile(HOSTILE)) as SlackBody
  for (const text of textsIn(body)) {
    expect(text).not.toMatch(/[<>]/)
    expect(text.replaceAll(/&(?:amp|lt|gt);/g, '')).not.toContain('&')
    expect(text).not.toMatch(/[~`]/)
    // Our own bold, and nobody else's.
    expect(text.split('*').length).toBeLessThanOrEqual(3)
  }
  const objects = body.blocks.flatMap(({ text, fields = [], elements = [] }) => [
    ...(text ? [text] : []),
    ...fields,
    ...elements,
  ])
  expect(objects.every(({ verbatim }) => verbatim)).toBe(true)
  expect(body).toMatchObject({ link_names: false, unfurl_links: false, unfurl_media: false })
})

test.each([HOSTILE.repeat(100), '<'.repeat(20_000), '*'.repeat(20_000), '🟡'.repeat(9000), ''])(
  'every API gets no more than it takes (%#)',
  (text) => {
    const message = hostile(text)
    const slack = slackBody(message) as SlackBody
    expect(slack.blocks.length).toBeLessThanOrEqual(50)
    for (const { text: section, fields = [], elements = [] } of slack.blocks) {
      expect(section?.text.length ?? 0).toBeLessThanOrEqual(3000)
      expect(fields.length).toBeLessThanOrEqual(10)
      for (const field of fields) expect(field.text.length).toBeLessThanOrEqual(2000)
      for (const element of elements) expect(element.text.length).toBeLessThanOrEqual(3000)
    }
    const [embed] = (discordBody(message) as DiscordBody).embeds
    const { title, description = '', fields, footer } = embed
    expect(title.length).toBeLessThanOrEqual(256)
    expect(description.length).toBeLessThanOrEqual(4096)
    expect(fields.length).toBeLessThanOrEqual(25)
    const parts = fields.flatMap(({ name, value }) => [name, value])
    expect([title, description, footer.text, ...parts].join('').length).toBeLessThanOrEqual(6000)
    const { payload, dedup_key: key } = incidentBody(message, KEY) as {
      payload: { summary: string }
      dedup_key: string
    }
    expect(payload.summary.length).toBeLessThanOrEqual(1024)
    expect(key.length).toBeLessThanOrEqual(255)
  },
)

test('Discord mentions nobody, and shows marks instead of obeying them', () => {
  const body = discordBody(hostile(HOSTILE)) as DiscordBody
  expect(body.allowed_mentions).toEqual({ parse: [] })
  const { title, description = '' } = body.embeds[0]
  for (const text of [title, description]) {
    expect(text.replaceAll(/\\[\\*_~`|>#<[\](){}@:/-]/g, '')).not.toMatch(/[\\*_~`|>#<[\](){}@:/-]/)
  }
  expect(description.replaceAll(/\\(.)/gs, '$1')).toBe(HOSTILE)
})

test('PagerDuty has one incident for a trouble, from its beginning to its end', () => {
  const begun = incidentBody({ ...PLAIN, problem: 'instance 7 offline' }, KEY)
  const again = incidentBody({ ...PLAIN, id: 'evt_2', problem: 'instance 7 offline' }, KEY)
  const ended = incidentBody({ ...PLAIN, id: 'evt_3', problem: 'instance 7 offline', isEnd: true }, KEY)
  const other = incidentBody({ ...PLAIN, source: 'vastai-host', problem: 'instance 7 offline' }, KEY)
  const keyOf = (body: object): unknown => (body as { dedup_key: unknown }).dedup_key
  expect([keyOf(again), keyOf(ended)]).toEqual([keyOf(begun), keyOf(begun)])
  expect(keyOf(other)).not.toBe(keyOf(begun))
  expect(ended).toEqual({ routing_key: KEY, dedup_key: keyOf(begun), event_action: 'resolve' })
  expect(keyOf(incidentBody(PLAIN, KEY))).not.toBe(keyOf(incidentBody({ ...PLAIN, id: 'evt_2' }, KEY)))
})

test('the bodies are exactly these', () => {
  expect({
    slack: slackBody(PLAIN),
    discord: discordBody(PLAIN),
    pagerduty: incidentBody(PLAIN, KEY),
    webhook: webhookBody(PLAIN),
  }).toMatchSnapshot()
})

test('a summary counts each kind, weighs as its worst, and is the same for the same events', () => {
  const outbids = Array.from({ length: 30 }, (_, index) => ({
    ...PLAIN,
    id: `o${index}`,
    title: `Outbid ${index}`,
  }))
  const credit = Array.from({ length: 7 }, (_, index) => ({
    ...PLAIN,
    id: `c${index}`,
    type: 'low_credit',
    severity: 'critical' as const,
  }))
  const summary = summaryOf([...credit, ...outbids])
  expect(summary).toMatchObject({
    title: '37 more',
    text: '30 × vastai outbid, 7 × vastai low_credit',
    severity: 'critical',
    fields: [{ label: 'last vastai outbid', value: 'Outbid 29' }, { label: 'last vastai low_credit' }],
  })
  expect(summaryOf([...outbids, ...credit]).id).toBe(summary.id)
  expect(summaryOf(outbids).id).not.toBe(summary.id)
  const kinds = Array.from({ length: 14 }, (_, index) => ({ ...PLAIN, type: `t${index}` }))
  expect(summaryOf(kinds).text).toMatch(/, 4 × other kinds$/)
})
