import { Option, type Command } from 'commander'
import type { CliContext } from './context.ts'
import { pull, type PullFlags } from './pull.ts'
import { reconcile, type ReconcileFlags } from './reconcile.ts'
import { register, type RegisterFlags } from './register.ts'
import { rotate, type RotateFlags } from './rotate.ts'

const REGISTER_HELP = `
Vast.ai is set up through its documented API; for Cast AI, CoreWeave Alerts and Anima this prints the steps to take there.

The secret that Vast.ai tells once goes into .postern/secrets.json (mode 0600), which a running 'postern dev' takes without a
restart; for production into --secret-file, or to --print-secret. The API key is read from VAST_API_KEY, never from an argument.

Examples:
  postern register vastai --url https://hooks.example.com/webhooks/vastai
  postern register vastai --url https://hooks.example.com/webhooks/vastai-host --context host
  postern register vastai --url https://… --secret-file vastai.env      for 'serve', systemd or docker
  postern register vastai --list
  postern register castai --url https://hooks.example.com/webhooks/castai-notifications

Exit codes: 0 registered, or found and known; 1 not, or the vendor's test did not arrive; 2 the command line is wrong`

const ROTATE_HELP = `
The vendor ends the old secret at once, as far as is known. The gateway goes on taking both until --finish. While a running
'postern dev' waits for the new one, it answers that source 503, which is tried again; with --secret-file or --print-secret the
gateway has to be restarted.

Examples:
  postern rotate vastai --url https://hooks.example.com/webhooks/vastai
  postern rotate vastai --finish

Exit codes: 0 rotated, or with --finish there is no older secret any more; 1 not; 2 the command line is wrong`

const RECONCILE_HELP = `
Records what changed since the last look and no webhook told, as events of the types reconciled.instance_changed, _found and _gone,
verified by 'record:vastai-instances' and never as the vendor's own. The first look only remembers. A gateway with
'reconcile: { vastai: vastaiInstances() }' in postern.config.ts looks by itself: on a timer, and after outbid and instance_offline.
The API key is read from VAST_API_KEY; the scope to read is enough.

Exit codes: 0 looked, and what was found is recorded; 1 not; 2 the command line is wrong, or there is nothing to reconcile it with`

const PULL_HELP = `
For people without a public endpoint. In postern.config.ts:
  sources: { 'coreweave-alerts': pullOnly(coreweaveAlerts({ header: 'x-none' })) },
  pull: { 'coreweave-alerts': coreweaveQueue({ destinationId: '<of a destination with the channel queue>' }) },
The gateway then pulls by itself; this command does it once, for cron, or with --follow until a signal. A message is acknowledged
only once it is stored. The API token is read from COREWEAVE_API_TOKEN.

Exit codes: 0 the queue was taken until it was empty, or with --follow a signal came; 1 something failed; 2 the command line is
wrong, or there is no queue of that name`

/** The commands of the first week with a vendor. */
export function addVendorCommands(
  program: Command,
  context: CliContext,
  onDone: (code: number) => void,
): void {
  addRegister(program, context, onDone)
  addRotate(program, context, onDone)
  addReconcile(program, context, onDone)
  addPull(program, context, onDone)
}

function addRegister(program: Command, context: CliContext, onDone: (code: number) => void): void {
  withSecretOptions(
    program
      .command('register')
      .description("set up a vendor's side: its webhook, its secret, its test")
      .argument('<vendor>', 'vastai, castai, coreweave or anima')
      .option('--url <url>', 'where the vendor is to send to, as the world sees it')
      .option('--events <list>', 'comma-separated, such as outbid,low_credit; by default what most act on')
      .addOption(new Option('--context <context>', 'whose events').choices(['client', 'host']))
      .option('--name <name>', 'what the webhook is called there')
      .option('--test', 'have the vendor send its own test, also to what is registered already')
      .option('--no-test', 'do not')
      .option('--recover', 'ask for a new secret where the old one is not known here')
      .option('--update', 'subscribe a webhook that is there to the events that it lacks')
      .option('--list', 'show what is registered')
      .option('--delete <id>', 'delete one of them'),
  )
    .addHelpText('after', REGISTER_HELP)
    .action(async (vendor: string, flags: RegisterFlags) => onDone(await register(vendor, flags, context)))
}

function addRotate(program: Command, context: CliContext, onDone: (code: number) => void): void {
  withSecretOptions(
    program
      .command('rotate')
      .description("replace a vendor's signing secret, without a gap")
      .argument('<vendor>', 'vastai')
      .option('--url <url>', 'which webhook, by its URL')
      .option('--id <id>', 'or by its id; not needed where there is only one')
      .option('--finish', 'the older secret counts no more'),
  )
    .addHelpText('after', ROTATE_HELP)
    .action(async (vendor: string, flags: RotateFlags) => onDone(await rotate(vendor, flags, context)))
}

function addReconcile(program: Command, context: CliContext, onDone: (code: number) => void): void {
  inboxCommand(program, 'reconcile', "record what a vendor's API says and no webhook told")
    .addHelpText('after', RECONCILE_HELP)
    .action(async (source: string, flags: ReconcileFlags) => onDone(await reconcile(source, flags, context)))
}

function addPull(program: Command, context: CliContext, onDone: (code: number) => void): void {
  inboxCommand(program, 'pull', "take what waits in a vendor's queue")
    .option('--follow', 'go on until a signal')
    .addHelpText('after', PULL_HELP)
    .action(async (source: string, flags: PullFlags) => onDone(await pull(source, flags, context)))
}

function inboxCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument('<source>', 'the source that it is recorded for')
    .option(
      '--config <file>',
      'configuration, by default postern.config.ts, .mts, .js or .mjs in this folder',
    )
    .option('--store <store>', 'where events are kept (POSTERN_STORE)')
    .option('--json', 'one JSON object')
}

function withSecretOptions(command: Command): Command {
  return command
    .option('--source <name>', "the gateway's source, by default the last part of the URL's path")
    .option('--api-key-env <variable>', "the variable with the API's key, by default VAST_API_KEY")
    .option('--secret-file <file>', 'write the secret into a new file of mode 0600, as a variable')
    .option('--print-secret', 'print the secret as a variable, once; everything else goes to standard error')
    .option('--dry-run', 'change nothing, and say what would be done')
    .option('--json', 'one JSON object')
}
