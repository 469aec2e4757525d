// `npm run must-reject`: runs every input of docs/must-reject.md through Postern and four libraries, and writes that page.
// A test fails where the page is not what this makes, and where Postern accepts one of them.
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { CONTENT_CASES } from './must-reject/content-cases.mjs'
import { CONTENDERS, outcomeOf } from './must-reject/contenders.mjs'
import { INBOX_CASES } from './must-reject/inbox-cases.mjs'
import { SENDERS, signed } from './must-reject/senders.mjs'
import { SIGNATURE_CASES } from './must-reject/signature-cases.mjs'

const root = new URL('../', import.meta.url)
const page = new URL('docs/must-reject.md', root)
const NAMES = Object.keys(CONTENDERS)

/** Every threat with its inputs, and what each contender did with them. */
export async function mustReject() {
  const threats = []
  for (const each of merged([...SIGNATURE_CASES, ...CONTENT_CASES, ...INBOX_CASES])) {
    const inputs = []
    for (const input of each.inputs) inputs.push({ ...input, outcomes: await outcomesOf(input) })
    threats.push({ ...each, inputs })
  }
  return threats
}

/** Whether each contender accepts the genuine request of every sender that it speaks: otherwise its refusals say nothing. */
export async function controls() {
  const outcomes = []
  for (const sender of Object.keys(SENDERS)) {
    outcomes.push({ sender, ...(await outcomesOf({ sender, ...signed(sender) })) })
  }
  return outcomes
}

async function outcomesOf(input) {
  if (input.ours !== undefined) return { postern: await input.ours() }
  const given = { secret: SENDERS[input.sender].secret, ...input }
  const outcomes = {}
  for (const name of NAMES) outcomes[name] = await outcomeOf(name, given)
  return outcomes
}

/** In the order of their numbers; those of one number together. */
function merged(cases) {
  const byId = new Map()
  for (const each of cases) {
    const known = byId.get(each.id)
    byId.set(each.id, known === undefined ? each : { ...known, inputs: [...known.inputs, ...each.inputs] })
  }
  return [...byId.values()].toSorted((left, right) => Number(left.id.slice(1)) - Number(right.id.slice(1)))
}

export function mustRejectPage(threats) {
  const total = threats.reduce((sum, { inputs }) => sum + inputs.length, 0)
  return `# What must be refused

Written by \`npm run must-reject\`; a test runs it again and holds the page to it.

${total} requests that a receiver must not act upon, and what Postern and four libraries do with the very same bytes, headers
and secrets. Each library is tried with the form that it is made for, and gets what a handler of \`node:http\` has at hand;
“–” is what it is not made for. **ACCEPTED** means that it took the request for genuine; “throws” names an error that is not the
library's own refusal. Every one of them accepts the same requests unharmed.

| | the threat | Postern | ${NAMES.slice(1).map(versioned).join(' | ')} |
| - | - | - | ${NAMES.slice(1)
    .map(() => '-')
    .join(' | ')} |
${threats.map(summaryRow).join('\n')}
| | accepted of all | ${NAMES.map((name) => acceptedOf(threats, name)).join(' | ')} |

${threats.map(section).join('\n\n')}
`
}

function versioned(name) {
  const { devDependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  return `${name} ${devDependencies[name]}`
}

function summaryRow({ id, title, inputs }) {
  return `| ${id} | ${title} | ${NAMES.map((name) => summary(inputs, name)).join(' | ')} |`
}

function summary(inputs, name) {
  const outcomes = outcomesFor(inputs, name)
  if (outcomes.length === 0) return '–'
  const accepted = outcomes.filter((outcome) => outcome.startsWith('ACCEPTED')).length
  const thrown = outcomes.filter((outcome) => outcome.startsWith('throws')).length
  const refused = outcomes.length - accepted - thrown
  return [
    accepted > 0 ? `**${accepted} ACCEPTED**` : '',
    thrown > 0 ? `${thrown} thrown` : '',
    refused > 0 ? `${refused} refused` : '',
  ]
    .filter((part) => part !== '')
    .join(', ')
}

function acceptedOf(threats, name) {
  const outcomes = threats.flatMap(({ inputs }) => outcomesFor(inputs, name))
  const accepted = outcomes.filter((outcome) => outcome.startsWith('ACCEPTED')).length
  return `${accepted} of ${outcomes.length}`
}

function outcomesFor(inputs, name) {
  return inputs.map(({ outcomes }) => outcomes[name]).filter((outcome) => outcome !== undefined)
}

function section({ id, title, note, inputs }) {
  const rows = inputs.map(({ sender, what, outcomes }) =>
    [
      '',
      sender ?? 'inbox',
      shown(what),
      outcomes.postern,
      NAMES.slice(1)
        .filter((name) => outcomes[name] !== undefined)
        .map((name) => `${name}: ${outcomes[name].replace(/^ACCEPTED/, '**ACCEPTED**')}`)
        .join('; ') || '–',
      '',
    ]
      .join(' | ')
      .trim(),
  )
  return `## ${id}. ${title}

${note === undefined ? '' : `${note}\n\n`}| form | input | Postern | others |
| - | - | - | - |
${rows.join('\n')}`
}

/** On one line of a table, with nothing in it that cannot be seen. */
function shown(text) {
  return text
    .replaceAll('|', '\\|')
    .replaceAll(
      /[^\x20-\x7e‘-”é]/g,
      (character) => `U+${character.codePointAt(0).toString(16).padStart(4, '0')}`,
    )
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const threats = await mustReject()
  writeFileSync(page, mustRejectPage(threats))
  for (const name of NAMES) console.log(`${name}: accepted ${acceptedOf(threats, name)}`)
}
