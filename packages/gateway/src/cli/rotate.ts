import { join } from 'node:path'
import { secretVariable } from '../config/secret-variable.ts'
import type { VastaiApi, VastWebhook } from '../vendors/vastai/vastai-api.ts'
import { Arrivals } from './arrivals.ts'
import type { CliContext } from './context.ts'
import { changeSecrets, readSecrets, SECRETS_FILE } from './development-secrets.ts'
import { EXIT } from './exit-code.ts'
import { holdOf, olderSecretOf } from './live-secrets.ts'
import { openFolder, sameUrl, shown, vastaiApi, VASTAI, vendorReport } from './register-vastai.ts'
import type { RegisterFlags } from './register.ts'
import { isTaken, secretKeeper } from './secret-keeper.ts'
import { UsageError } from './usage-error.ts'
import { orFail } from './vendor-access.ts'
import type { VendorReport } from './vendor-report.ts'
import { webhookUrl } from './webhook-url.ts'

export interface RotateFlags extends RegisterFlags {
  readonly id?: string
  readonly finish?: boolean
}

/** So long at most are requests answered 503 where this command ends before it is done. */
const HOLD_MS = 30_000
/** How far a request's timestamp may be from now; one signed with the old secret is refused after that in any case. */
const TOLERANCE_MS = 300_000

/** `postern rotate`: a new secret at the vendor, and the one before goes on counting here until `--finish`. */
export async function rotate(vendor: string, flags: RotateFlags, context: CliContext): Promise<number> {
  if (vendor !== VASTAI.name) {
    throw new UsageError(
      `Only ${VASTAI.name} can be rotated from here; postern register ${vendor} has the steps for others`,
    )
  }
  const report = vendorReport(flags, context)
  if (flags.finish === true) return finish(flags, report, context)
  const api = vastaiApi(flags, context)
  const webhook = await findWebhook(api, flags)
  const { source } = webhookUrl(webhook.webhook_url, Infinity, flags.source)
  if (flags.dryRun === true) {
    report.say(`Would rotate the secret of webhook ${webhook.id} (${webhook.webhook_url})`)
    report.end({ vendor, action: 'dry-run', webhook: shown(webhook) })
    return EXIT.ok
  }
  return rotateAt({ api, webhook, source }, flags, report, context)
}

async function rotateAt(
  {
    api,
    webhook,
    source,
  }: { readonly api: VastaiApi; readonly webhook: VastWebhook; readonly source: string },
  flags: RotateFlags,
  report: VendorReport,
  context: CliContext,
): Promise<number> {
  const { folder, registrations } = await openFolder(context)
  const keeper = secretKeeper(source, flags, folder, context)
  await keeper.prepare()
  const older = await secretNow(source, keeper.isLive, folder, context)
  if (keeper.isLive) await hold(source, folder, context)
  const rotated = await api.rotateSecret(webhook.id)
  if (!rotated.ok) {
    await keeper.discard()
    // Where it may have been done the old secret is of no use any more, and where it was not, the gateway goes on with it.
    if (keeper.isLive) await changeSecrets(folder, { [holdOf(source)]: undefined })
    const mayBe = rotated.mayBeDone
      ? '; it may have been done all the same, and its new secret is lost then: run this again'
      : ''
    throw new Error(`${VASTAI.title}: ${rotated.message}${mayBe}`)
  }
  await keeper.keep(rotated.value.webhook_secret, older)
  const changedMs = context.now()
  await registrations.set(VASTAI.name, webhook.webhook_url, {
    state: 'kept',
    webhookId: webhook.id,
    source,
    keptIn: keeper.place,
    changedMs,
  })
  const isUsed = keeper.isLive && (await isTaken(folder, source))
  const olderUntil = new Date(changedMs + TOLERANCE_MS).toISOString()
  report.say(`Webhook ${webhook.id} has a new secret, kept in ${keeper.place}`)
  sayHowItGoesOn({ source, isLive: keeper.isLive, isUsed, older: older !== undefined, olderUntil }, report)
  report.end({
    vendor: VASTAI.name,
    action: 'rotated',
    webhook: shown(webhook),
    secret: keeper.place,
    takenByGateway: isUsed,
    ...(older !== undefined && { olderMayGoAfter: olderUntil }),
  })
  return EXIT.ok
}

function sayHowItGoesOn(
  rotated: {
    readonly source: string
    readonly isLive: boolean
    readonly isUsed: boolean
    readonly older: boolean
    readonly olderUntil: string
  },
  report: VendorReport,
): void {
  const { source, isLive, isUsed, older, olderUntil } = rotated
  if (isUsed) report.say('The gateway has taken it, without a restart')
  else if (isLive) report.say(`No development gateway of this folder is running; the next one takes it`)
  else {
    report.say(
      `Restart the gateway with it now: until then ${VASTAI.title}'s requests are refused, and it takes a 401 for final. 'postern reconcile ${VASTAI.name}' finds what that lost`,
    )
  }
  if (!older)
    return report.say(
      'The secret before it is not known here, so that nothing signed with it is taken any more',
    )
  report.say(
    `The one before still counts (${isLive ? `${olderSecretOf(source)} in ${SECRETS_FILE}` : `${secretVariable(source)}_2`}). It may go after ${olderUntil}, when whatever was signed with it is stale, if ${VASTAI.title} ended it at once, which is not documented. ${isLive ? '/api/secrets of the admin API' : "'postern doctor'"} says when each secret last matched`,
  )
  if (isLive) report.say(`Then: postern rotate ${VASTAI.name} --source ${source} --finish`)
}

/** While the vendor has the new secret and we do not, a 401 would be final for it; a 503 is not. */
async function hold(source: string, folder: string, { now }: CliContext): Promise<void> {
  await changeSecrets(folder, { [holdOf(source)]: new Date(now() + HOLD_MS).toISOString() })
  await isTaken(folder, source)
}

async function finish(flags: RotateFlags, report: VendorReport, context: CliContext): Promise<number> {
  const source =
    flags.source ??
    (flags.url === undefined ? VASTAI.name : webhookUrl(flags.url, Infinity, undefined).source)
  const { folder } = await openFolder(context)
  const secrets = await readSecrets(join(folder, 'secrets.json'))
  if (secrets?.has(olderSecretOf(source)) !== true) {
    report.say(
      `${source} has no older secret in ${SECRETS_FILE}; in an environment, unset ${secretVariable(source)}_2`,
    )
    report.end({ vendor: VASTAI.name, action: 'finished', removed: false })
    return EXIT.ok
  }
  const older = await new Arrivals(context).secret(source, 2)
  await changeSecrets(folder, { [olderSecretOf(source)]: undefined })
  const isUsed = await isTaken(folder, source)
  report.say(
    `${source}'s older secret${older === undefined ? '' : `, which last matched ${older.lastMatched ?? 'nothing that is known of'},`} is gone; only the newest counts${isUsed ? ', in the running gateway too' : ''}`,
  )
  report.end({ vendor: VASTAI.name, action: 'finished', removed: true })
  return EXIT.ok
}

/** The one that counts here now. */
async function secretNow(
  source: string,
  isLive: boolean,
  folder: string,
  { env }: CliContext,
): Promise<string | undefined> {
  if (!isLive) return (env[secretVariable(source)] ?? '').trim() || undefined
  return (await readSecrets(join(folder, 'secrets.json')))?.get(source)
}

async function findWebhook(api: VastaiApi, { id, url }: RotateFlags): Promise<VastWebhook> {
  const webhooks = orFail(VASTAI.title, await api.listWebhooks())
  if (id === undefined && url === undefined) {
    const [only, ...others] = webhooks
    if (only !== undefined && others.length === 0) return only
    throw new UsageError(
      `Which webhook? --url or --id; there are ${webhooks.length}, see postern register vastai --list`,
    )
  }
  const found = webhooks.find((each) =>
    id === undefined ? sameUrl(each.webhook_url, url ?? '') : String(each.id) === id,
  )
  if (found === undefined)
    throw new Error(`${VASTAI.title} has no such webhook; see postern register vastai --list`)
  return found
}
