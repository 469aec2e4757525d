import { escapeUnprintable } from '../observe/escape.ts'
import {
  LONGEST_NAME,
  LONGEST_URL,
  MOST_WEBHOOKS,
  VASTAI_ORIGIN,
  VastaiApi,
  type VastWebhook,
} from '../vendors/vastai/vastai-api.ts'
import { chooseEvents } from '../vendors/vastai/choose-events.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-code.ts'
import type { RegisterFlags } from './register.ts'
import { Registrations } from './registrations.ts'
import { secretKeeper, type SecretKeeper } from './secret-keeper.ts'
import { openStateFolder } from './state-folder.ts'
import { UsageError } from './usage-error.ts'
import { orFail, vendorClient } from './vendor-access.ts'
import { VendorReport } from './vendor-report.ts'
import { testWebhook, type TestResult } from './vendor-test.ts'
import { webhookUrl } from './webhook-url.ts'

export const VASTAI = { name: 'vastai', title: 'Vast.ai', keyVariable: 'VAST_API_KEY' } as const

/** The vendor's clock and ours, of which one says when the webhook was made and the other when we asked. */
const CLOCKS_APART_MS = 5 * 60 * 1000

/** `postern register vastai`: makes the webhook, keeps its secret, has it tested; or finds what is there. */
export async function registerVastai(flags: RegisterFlags, context: CliContext): Promise<number> {
  const report = vendorReport(flags, context)
  const api = vastaiApi(flags, context)
  if (flags.list === true) return listWebhooks(api, report)
  if (flags.delete !== undefined) return deleteWebhook(api, flags.delete, report, context)
  const { url, source } = webhookUrl(required(flags.url), LONGEST_URL, flags.source)
  const name = flags.name ?? `Postern ${source}`
  if (name.length > LONGEST_NAME) throw new UsageError(`--name is longer than ${LONGEST_NAME} characters`)
  const webhooks = orFail(VASTAI.title, await api.listWebhooks())
  const existing = webhooks.find(({ webhook_url }) => sameUrl(webhook_url, url))
  const work: Work = { api, url, name, source, flags, context, report }
  return existing === undefined ? register(work, webhooks.length) : goOn(work, existing)
}

interface Work {
  readonly api: VastaiApi
  readonly url: string
  readonly name: string
  readonly source: string
  readonly flags: RegisterFlags
  readonly context: CliContext
  readonly report: VendorReport
}

export function vendorReport(flags: RegisterFlags, context: CliContext): VendorReport {
  return new VendorReport({
    context,
    isJson: flags.json === true,
    leavesStdout: flags.printSecret === true && flags.dryRun !== true,
  })
}

export function vastaiApi({ apiKeyEnv = VASTAI.keyVariable }: RegisterFlags, context: CliContext): VastaiApi {
  return new VastaiApi(vendorClient({ origin: VASTAI_ORIGIN, variable: apiKeyEnv }, context))
}

async function register(work: Work, count: number): Promise<number> {
  const { api, url, name, source, flags, context, report } = work
  if (count >= MOST_WEBHOOKS) {
    throw new Error(
      `${VASTAI.title} allows ${MOST_WEBHOOKS} webhooks for each user, and there are ${count}: see --list, and --delete one`,
    )
  }
  const events = await chosenEvents(api, flags)
  if (flags.dryRun === true) {
    report.say(`Would register ${url} at ${VASTAI.title} as '${name}', for:`)
    for (const event of events) report.say(`  ${event}`)
    report.end({ vendor: VASTAI.name, action: 'dry-run', url, name, events })
    return EXIT.ok
  }
  const { folder, registrations } = await openFolder(context)
  const keeper = secretKeeper(source, flags, folder, context)
  await keeper.prepare()
  // From here on the vendor may hold a webhook whose secret nobody has.
  await registrations.set(VASTAI.name, url, { state: 'creating', startedMs: context.now() })
  const created = await api.createWebhook({ url, name, events })
  if (!created.ok) {
    await keeper.discard()
    if (!created.mayBeDone) await registrations.set(VASTAI.name, url, undefined)
    const mayBe = created.mayBeDone
      ? '; it may have been made all the same: run this again, which finds out'
      : ''
    throw new Error(`${VASTAI.title}: ${created.message}${mayBe}`)
  }
  const { webhook_secret: secret, ...webhook } = created.value
  await keeper.keep(secret)
  await noteKept(work, registrations, webhook.id, keeper)
  report.say(
    `Registered ${url} at ${VASTAI.title}: webhook ${webhook.id}, for ${webhook.event_types.length} events`,
  )
  return finish(work, webhook, { action: 'created', keeper, folder })
}

/** The URL is registered already: by us, by a run of ours that ended too early, or by somebody else. */
async function goOn(work: Work, webhook: VastWebhook): Promise<number> {
  const { url, flags, context, report } = work
  const { folder, registrations } = await openFolder(context)
  const known = await registrations.get(VASTAI.name, url)
  const isOurs = known?.state === 'kept' && known.webhookId === webhook.id
  const isHalfDone =
    known?.state === 'creating' &&
    (webhook.created_at === undefined || webhook.created_at * 1000 >= known.startedMs - CLOCKS_APART_MS)
  if (flags.dryRun !== true && (isHalfDone || flags.recover === true)) {
    if (isHalfDone) {
      report.say(
        `Webhook ${webhook.id} was made, and its secret was lost before it was kept: asking for a new one`,
      )
    }
    return recover(work, webhook, folder, registrations)
  }
  report.say(
    `${url} is registered at ${VASTAI.title} already: webhook ${webhook.id}, for ${webhook.event_types.length} events`,
  )
  const missing = await missingEvents(work, webhook)
  if (!isOurs) {
    report.say(
      `Its secret is not known here, and ${VASTAI.title} does not tell it again. Whoever made it may have it; else --recover asks for a new one, and the old one ends at once`,
    )
    report.end({ vendor: VASTAI.name, action: 'found', webhook: shown(webhook), secret: 'unknown', missing })
    return EXIT.failed
  }
  report.say(`Its secret is kept in ${known.keptIn}`)
  const test =
    flags.test === true && flags.dryRun !== true
      ? await runTest(work, webhook, known.keptIn, folder)
      : undefined
  report.end({
    vendor: VASTAI.name,
    action: 'found',
    webhook: shown(webhook),
    secret: known.keptIn,
    missing,
    test,
  })
  return test === undefined || test.isPassed ? EXIT.ok : EXIT.failed
}

/** A new secret in place of one that nobody has. */
async function recover(
  work: Work,
  webhook: VastWebhook,
  folder: string,
  registrations: Registrations,
): Promise<number> {
  const { api, url, source, flags, context, report } = work
  const keeper = secretKeeper(source, flags, folder, context)
  await keeper.prepare()
  await registrations.set(VASTAI.name, url, { state: 'creating', startedMs: context.now() - CLOCKS_APART_MS })
  const rotated = await api.rotateSecret(webhook.id)
  if (!rotated.ok) {
    await keeper.discard()
    throw new Error(`${VASTAI.title}: ${rotated.message}; run this again`)
  }
  await keeper.keep(rotated.value.webhook_secret)
  await noteKept(work, registrations, webhook.id, keeper)
  report.say(`Webhook ${webhook.id} has a new secret`)
  return finish(work, webhook, { action: 'recovered', keeper, folder })
}

async function finish(
  work: Work,
  webhook: VastWebhook,
  {
    action,
    keeper,
    folder,
  }: { readonly action: string; readonly keeper: SecretKeeper; readonly folder: string },
): Promise<number> {
  const { flags, report, url } = work
  report.say(`Its secret is kept in ${keeper.place}; ${VASTAI.title} does not tell it again`)
  const isTested = flags.test !== false && keeper.isLive
  if (!keeper.isLive) {
    report.say(
      `Give it to the gateway and restart that; then: postern register ${VASTAI.name} --url ${url} --test`,
    )
  }
  const test = isTested ? await runTest(work, webhook, keeper.place, folder) : undefined
  report.end({ vendor: VASTAI.name, action, webhook: shown(webhook), secret: keeper.place, test })
  return test === undefined || test.isPassed || !test.ran ? EXIT.ok : EXIT.failed
}

function runTest(
  { api, source, report, context }: Work,
  { id }: VastWebhook,
  keptIn: string,
  folder: string,
): Promise<TestResult> {
  return testWebhook(
    { vendor: VASTAI.title, source, type: 'webhook_test', send: () => api.sendTest(id), keptIn, folder },
    report,
    context,
  )
}

async function noteKept(
  { url, source, context }: Work,
  registrations: Registrations,
  webhookId: number,
  { place }: SecretKeeper,
): Promise<void> {
  const changedMs = context.now()
  await registrations.set(VASTAI.name, url, { state: 'kept', webhookId, source, keptIn: place, changedMs })
}

async function missingEvents({ api, flags, report }: Work, webhook: VastWebhook): Promise<readonly string[]> {
  if (flags.events === undefined) return []
  const wanted = await chosenEvents(api, flags)
  const missing = wanted.filter((event) => !webhook.event_types.includes(event))
  if (missing.length === 0) return []
  if (flags.update === true && flags.dryRun !== true) {
    orFail(VASTAI.title, await api.setEvents(webhook.id, [...webhook.event_types, ...missing]))
    report.say(`Subscribed it to ${missing.join(', ')} as well`)
    return []
  }
  report.say(`It is not subscribed to ${missing.join(', ')}; --update subscribes it`)
  return missing
}

async function chosenEvents(api: VastaiApi, flags: RegisterFlags): Promise<readonly string[]> {
  const known = orFail(VASTAI.title, await api.listTypes())
  const chosen = chooseEvents(known, { asked: flags.events, context: flags.context })
  if (chosen.ok) return chosen.value
  throw new UsageError(escapeUnprintable(chosen.problems.map(({ message }) => message).join('; '), 2000))
}

async function listWebhooks(api: VastaiApi, report: VendorReport): Promise<number> {
  const webhooks = orFail(VASTAI.title, await api.listWebhooks())
  for (const webhook of webhooks) {
    report.say(
      `${webhook.id}  ${webhook.webhook_url}  ${webhook.name ?? ''}  ${webhook.event_types.join(', ')}`,
    )
  }
  if (webhooks.length === 0) report.say(`No webhooks at ${VASTAI.title}`)
  report.end({ vendor: VASTAI.name, action: 'list', webhooks: webhooks.map(shown) })
  return EXIT.ok
}

async function deleteWebhook(
  api: VastaiApi,
  id: string,
  report: VendorReport,
  context: CliContext,
): Promise<number> {
  const webhooks = orFail(VASTAI.title, await api.listWebhooks())
  const webhook = webhooks.find((each) => String(each.id) === id)
  if (webhook === undefined)
    throw new Error(`${VASTAI.title} has no webhook ${escapeUnprintable(id)}; see --list`)
  orFail(VASTAI.title, await api.deleteWebhook(webhook.id))
  const { registrations } = await openFolder(context)
  await registrations.set(VASTAI.name, webhook.webhook_url, undefined)
  report.say(
    `Deleted webhook ${webhook.id} (${webhook.webhook_url}); its secret, where it is kept, is of no more use`,
  )
  report.end({ vendor: VASTAI.name, action: 'deleted', webhook: shown(webhook) })
  return EXIT.ok
}

export async function openFolder({ cwd, stderr }: Pick<CliContext, 'cwd' | 'stderr'>): Promise<{
  readonly folder: string
  readonly registrations: Registrations
}> {
  const folder = await openStateFolder(cwd, (message) => void stderr.write(`${message}\n`))
  return { folder, registrations: new Registrations(folder) }
}

/** What may be shown of a webhook; never a secret, should an answer have one where none is documented. */
export function shown({ id, name, webhook_url, event_types }: VastWebhook): object {
  return { id, name: name ?? undefined, url: webhook_url, events: event_types }
}

/** Vast.ai may write a URL its own way, such as with a slash after the host. */
export function sameUrl(left: string, right: string): boolean {
  return URL.canParse(left) && new URL(left).href === new URL(right).href
}

function required(url: string | undefined): string {
  if (url === undefined) throw new UsageError('Where to? --url https://your.host/webhooks/vastai')
  return url
}
