import { join } from 'node:path'
import { secretVariable } from '../config/secret-variable.ts'
import type { VendorSetup } from '../vendors/setup-steps.ts'
import type { CliContext } from './context.ts'
import { readSecrets } from './development-secrets.ts'
import { EXIT } from './exit-code.ts'
import type { RegisterFlags } from './register.ts'
import { openFolder, vendorReport } from './register-vastai.ts'
import { secretKeeper } from './secret-keeper.ts'
import { UsageError } from './usage-error.ts'
import { webhookUrl } from './webhook-url.ts'

const SECRET_BYTES = 32
const LONGEST_URL = 2048

/** Makes and keeps what can be made here, and says what is to be done at the vendor. */
export async function showSetup(
  setup: VendorSetup,
  flags: RegisterFlags,
  context: CliContext,
): Promise<number> {
  const { title, documentation, steps, undocumented } = setup
  if (flags.url === undefined)
    throw new UsageError(`Where to? --url https://your.host/webhooks/${setup.source}`)
  for (const flag of ['list', 'delete', 'recover', 'update', 'events', 'test'] as const) {
    if (flags[flag] !== undefined)
      throw new UsageError(`--${flag} needs the vendor's API, which is not used for ${title}`)
  }
  const { url, source } = webhookUrl(flags.url, LONGEST_URL, flags.source)
  const report = vendorReport(flags, context)
  const variable = secretVariable(source)
  const keptIn =
    setup.makesSecret && flags.dryRun !== true ? await keepSecret(source, flags, context) : undefined
  if (keptIn !== undefined) report.say(`${variable}: a secret for ${source} is in ${keptIn}`)
  const lines = steps({ url, variable })
  const configuration = setup.configuration(source)
  report.say(`${title} is set up by hand (${documentation}):`)
  for (const line of lines) report.say(`  ${line}`)
  report.say('In postern.config.ts:')
  for (const line of configuration) report.say(`  ${line}`)
  report.say('Not documented, so that nothing here relies on it:')
  for (const line of undocumented) report.say(`  ${line}`)
  report.end({
    vendor: setup.names[0],
    action: 'steps',
    url,
    variable,
    secret: keptIn,
    steps: lines,
    configuration,
    undocumented,
  })
  return EXIT.ok
}

/** One that was made before stays: whoever runs this again has set it at the vendor already. */
async function keepSecret(source: string, flags: RegisterFlags, context: CliContext): Promise<string> {
  const { env, randomBytes } = context
  const variable = secretVariable(source)
  if ((env[variable] ?? '').trim() !== '') return `the environment (${variable}), as before`
  const { folder, registrations } = await openFolder(context)
  const keeper = secretKeeper(source, flags, folder, context)
  const made = (await readSecrets(join(folder, 'secrets.json')))?.has(source) === true
  if (keeper.isLive && made) return `${keeper.place}, as before`
  const known = await registrations.get(source, flags.url ?? '')
  if (!keeper.isLive && known?.state === 'kept') {
    throw new UsageError(
      `A secret for ${source} was told once already, into ${known.keptIn}; for another one delete that line of .postern/registrations.json`,
    )
  }
  await keeper.prepare()
  await keeper.keep(Buffer.from(randomBytes(SECRET_BYTES)).toString('hex'))
  await registrations.set(source, flags.url ?? '', {
    state: 'kept',
    webhookId: 0,
    source,
    keptIn: keeper.place,
    changedMs: context.now(),
  })
  return keeper.place
}
