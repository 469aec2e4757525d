import { Command, InvalidArgumentError, Option } from 'commander'
import { LOG_LEVELS } from '../observe/json-log.ts'
import type { CliContext } from './context.ts'
import { dev } from './dev.ts'
import { doctor, type DoctorFlags } from './doctor/doctor.ts'
import { explainCommand, type ExplainFlags } from './explain/explain.ts'
import { addOperate } from './operate/commands.ts'
import { serve, type ServeFlags } from './serve.ts'
import type { GatewayFlags } from './settings.ts'
import { trigger, type TriggerFlags } from './trigger.ts'
import { addVendorCommands } from './vendor-commands.ts'

const EXAMPLES = `
Examples:
  postern dev                                    four sources on port 3000, nothing to configure
  postern trigger vastai resource.created        a signed event, in a second terminal
  postern trigger vastai outbid --count 100      100 events in Vast.ai's own scheme
  postern serve --config postern.config.ts       production: refuses to start on what is missing
  postern explain stripe --request request.http  says why a request that was kept does not verify
  postern doctor                                 looks at all that serve needs, and says what to do

Exit codes:
  0  done; of trigger: every answer was a 2xx
  1  failed; of dev and serve: what they are configured with is wrong, be it by a flag, or a second signal came; of doctor: something failed;
     of explain: the request does not verify
  2  the command line is wrong`

const ENVIRONMENT = `
Environment:
  PORT                       where to listen, 3000 by default
  POSTERN_STORE              sqlite:PATH, postgres://… or redis://…, by default sqlite:.postern/postern.db
  REDIS_URL                  the store of serve where POSTERN_STORE is not set
  POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS
                             yes: start also on a server that may lose what was answered 200
  POSTERN_PUBLIC_URL         how senders know this gateway, for those who sign the URL: https://hooks.example.com
  POSTERN_TRUSTED_PROXIES    addresses and networks that are believed about who sent a request: 10.0.0.0/8, …
  POSTERN_RETENTION          how long finished events are kept, such as 30d or 12h
  POSTERN_ADMIN              host:port of the admin API and of /metrics
  POSTERN_ADMIN_TOKEN        bearer token of the admin API, 16 characters or more
  <SOURCE>_WEBHOOK_SECRET    signing secret of a source, such as VASTAI_WEBHOOK_SECRET
  <SOURCE>_WEBHOOK_SECRET_2  the one before, while it is being rotated
  <NAME>_DESTINATION_SECRET  what a destination's requests are signed with; _2 as above`

const SERVE_ENVIRONMENT = `
  POSTERN_ROLE               ingest, worker or all
  POSTERN_TLS_CERT, POSTERN_TLS_KEY
                             PEM files; read again when they change and on SIGHUP

With --role worker the public listener has /healthz and /readyz alone. Several processes share PostgreSQL or Redis, or, on
one machine, one SQLite file; all of them have the same configuration.`

const TRIGGER_HELP = `
The secret is taken from <SOURCE>_WEBHOOK_SECRET, else from .postern/secrets.json.

Examples:
  postern trigger vastai resource.created --url http://localhost:3000/webhooks/vastai
  postern trigger anima message.received --data @event.json
  postern trigger castai resource.updated --id demo      run it twice to see a duplicate
  postern vastai webhooks trigger resource.created       the form of the vendors' guides

Exit codes: 0 every answer was a 2xx, 1 otherwise, 2 the command line is wrong`

/** The command line. `onDone` gets the exit code of the command that ran; what goes wrong is thrown. */
export function createProgram(context: CliContext, onDone: (code: number) => void): Command {
  const program = new Command('postern')
    .description('A webhook inbox: verifies, records once and durably, answers, then runs the work')
    .version(context.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .showSuggestionAfterError()
    .showHelpAfterError('(postern --help shows what there is)')
    .addHelpText('after', EXAMPLES)
  addDev(program, context, onDone)
  addServe(program, context, onDone)
  addTrigger(program, context, onDone)
  addExplain(program, context, onDone)
  addDoctor(program, context, onDone)
  addVendorCommands(program, context, onDone)
  addOperate(program, context, onDone)
  for (const command of program.commands)
    command.showHelpAfterError(`(postern ${command.name()} --help shows what there is)`)
  return program
}

function addDev(program: Command, context: CliContext, onDone: (code: number) => void): void {
  gatewayCommand(program, 'dev', 'start a gateway to try things out with')
    .addHelpText('after', ENVIRONMENT)
    .action(async (flags: GatewayFlags) => onDone(await dev(flags, context)))
}

function addServe(program: Command, context: CliContext, onDone: (code: number) => void): void {
  const command = gatewayCommand(program, 'serve', 'start a gateway for production')
    .addOption(
      new Option('--log-level <level>', 'the least that is logged').choices(LOG_LEVELS).default('info'),
    )
    .option('--role <role>', 'ingest takes requests, worker runs the work, all does both (POSTERN_ROLE)')
  withTls(command)
    .addHelpText('after', ENVIRONMENT + SERVE_ENVIRONMENT)
    .action(async (flags: ServeFlags) => onDone(await serve(flags, context)))
}

function withTls(command: Command): Command {
  return command
    .option('--tls-cert <file>', 'certificate and its chain, in PEM (POSTERN_TLS_CERT)')
    .option('--tls-key <file>', 'its key, in PEM (POSTERN_TLS_KEY)')
}

function gatewayCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--port <port>', 'where to listen (PORT)')
    .option(
      '--host <host>',
      name === 'dev' ? 'where to listen, 127.0.0.1 by default' : 'where to listen, everywhere by default',
    )
    .option(
      '--config <file>',
      'configuration, by default postern.config.ts, .mts, .js or .mjs in this folder',
    )
    .option(
      '--store <store>',
      'where events are kept: sqlite:PATH, postgres://… or redis://… (POSTERN_STORE)',
    )
}

function addTrigger(program: Command, context: CliContext, onDone: (code: number) => void): void {
  program
    .command('trigger')
    .description('send a signed event as a provider would')
    .argument('[source]', 'whose event: vastai, castai, coreweave, anima, or a source of the configuration')
    .argument('[type]', 'which event, such as resource.created')
    .option('--url <url>', 'where to, by default http://localhost:<PORT or 3000>/webhooks/<source>')
    .option(
      '--secret <secret>',
      'signing secret; visible in the process list, so better put it in the variable',
    )
    .option(
      '--private-key <file>',
      'in PEM, where a provider signs with one and the secret is its public key',
    )
    .option('--count <number>', 'how many, each with an id of its own', wholeNumber, 1)
    .option(
      '--data <body>',
      '@file, @- for standard input, or the text itself: replaces the body, byte for byte',
    )
    .option('--id <id>', 'a fixed id: sent again, it is a duplicate')
    .option('--config <file>', 'where the source is configured')
    .option('--json', 'one JSON object for each answer, or with --list for each source')
    .option('--list', 'show the samples of each source')
    .addHelpText('after', TRIGGER_HELP)
    .action(async (source: string | undefined, type: string | undefined, flags: TriggerFlags) => {
      onDone(await trigger({ source, type, flags }, context))
    })
}

const EXPLAIN_HELP = `
The file holds the request as it stood on the wire, or as JSON { method, url, headers, body } (bodyBase64 for one that is
no text), as a HAR, or as curl -v shows it, with the body in --data. Undoes what happens to webhooks on their way, one
thing after another, until the signature verifies, and names that thing. Shows no secret and no signature.

The secrets are taken from <SOURCE>_WEBHOOK_SECRET and its _2, else from .postern/secrets.json.

Examples:
  postern explain vastai --request request.http
  pbpaste | postern explain stripe --request - --at 2026-03-02T22:20:00Z
  postern explain github --request request.json --json

Exit codes: 0 the request verifies, 1 it does not, 2 the command line is wrong`

function addExplain(program: Command, context: CliContext, onDone: (code: number) => void): void {
  program
    .command('explain')
    .description('say why a request does not verify')
    .argument('<source>', 'which source it was meant for')
    .option('--request <file>', 'the request that was kept, - for standard input')
    .option(
      '--data <body>',
      '@file, @- for standard input, or the text itself: the body, in place of the request’s own',
    )
    .option(
      '--secret <secret>',
      'signing secret, once for each; visible in the process list, so better put it in the variable',
      (secret: string, before: readonly string[]) => [...before, secret],
      [],
    )
    .option('--at <time>', 'when it came, RFC 3339 or seconds; by default now, or what a HAR says')
    .option('--config <file>', 'where the source is configured')
    .option('--json', 'one JSON object: { source, verdict, findings, trials, complete }')
    .addHelpText('after', EXPLAIN_HELP)
    .action(async (source: string, flags: ExplainFlags) => {
      onDone(await explainCommand({ source, flags }, context))
    })
}

const DOCTOR_HELP = `
Checks Node, the configuration and its secrets, whether the store can be reached, keeps what is answered 200 and has the
same clock, whether certificate and key belong together and are valid, and whether the ports are free. Changes nothing.

Exit codes: 0 nothing failed, 1 something did, 2 the command line is wrong`

function addDoctor(program: Command, context: CliContext, onDone: (code: number) => void): void {
  withTls(gatewayCommand(program, 'doctor', 'check what serve would start with here'))
    .option('--json', 'one JSON object: { sound, findings: [{ level, subject, message }] }')
    .addHelpText('after', DOCTOR_HELP + ENVIRONMENT)
    .action(async (flags: DoctorFlags) => onDone(await doctor(flags, context)))
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of 1 or more.')
  return Number(text)
}
