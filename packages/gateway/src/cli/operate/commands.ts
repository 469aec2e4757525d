import { InvalidArgumentError, type Command } from 'commander'
import type { CliContext } from '../context.ts'
import { dead, destinations, move, setPaused, type DeadFlags, type MoveFlags } from './operate.ts'
import { events, type EventsFlags } from './events.ts'
import type { Step } from './next-step.ts'
import type { OutputFlags } from './print.ts'
import { replay, type ReplayFlags } from './replay.ts'
import { rejected, type RejectedFlags } from './rejected.ts'

const HELP = `
Speaks to a running gateway: at POSTERN_ADMIN, 127.0.0.1:3001 by default, with POSTERN_ADMIN_TOKEN where it has one.

Exit codes: 0 done, 1 the gateway is not there, refused or could not do all of it, 2 the command line is wrong`

const REJECTED_HELP = `
Of identical requests one is kept, with the number of its copies. Secrets were cut out before anything was kept; of a request that
was not authentic the body is kept up to 64 KiB, and 'bodyBytes' says how long it was. With --json each has its headers and its body
(as 'body', or 'bodyBase64' where it is no text), in the form that explain reads. A page has at most 8 MiB of bodies; where it ends before
the log does, 'next' says where the next one begins.

  postern rejected --source vastai --json | jq '.rejected[0]' | postern explain vastai --request -
${HELP}`

const EVENTS_HELP = `
A conflict is an event whose id was seen before with another body, in the event that is listed as LIKE. It is held, which is to say
delivered nowhere, unless its source has onConflict: 'dispatch', until somebody lets it go by: postern replay <event>
${HELP}`

const REPLAY_HELP = `
Makes new deliveries of a stored event, due at once: for the destinations that are named, or else for all that it would go to if it
came now, those that have had it included. So an event is brought back that nothing took when it came, or a held conflict is let go.
A destination that is named gets it whatever its filter says. In order, it comes last of its key. Done twice, it is delivered twice.

Examples:
  postern replay 17
  postern replay 17 --destination billing
${HELP}`

const MOST_LISTED = 1000

const STEPS: readonly { readonly step: Step; readonly does: string }[] = [
  { step: 'redrive', does: 'make dead deliveries pending again, due at once' },
  { step: 'cancel', does: 'take pending deliveries back' },
  { step: 'discard', does: 'give dead deliveries up, so that their key goes on' },
]

/** The commands with which an operator looks at a running gateway and steps in. */
export function addOperate(program: Command, context: CliContext, onDone: (code: number) => void): void {
  addLooking(program, context, onDone)
  addSteppingIn(program, context, onDone)
}

function addLooking(program: Command, context: CliContext, onDone: (code: number) => void): void {
  program
    .command('destinations')
    .description('list where events go, and what waits there')
    .option('--json', 'as the API answers it')
    .addHelpText('after', HELP)
    .action(async (flags: OutputFlags) => onDone(await destinations(flags, context)))
  program
    .command('dead')
    .description('list deliveries that were given up, newest first')
    .argument('[destination]', 'of one destination only')
    .option('--limit <number>', 'how many at most', upToMost, 100)
    .option('--json', 'as the API answers it')
    .addHelpText('after', HELP)
    .action(async (name: string | undefined, flags: DeadFlags) => onDone(await dead(name, flags, context)))
  program
    .command('events')
    .description('list what was recorded, newest first')
    .option('--source <source>', 'of one source only')
    .option('--type <type>', 'of one type only')
    .option('--conflicts', 'those alone whose id was seen with another body, and whether they are held')
    .option('--before <event>', 'those alone with a lower number, for the next page')
    .option('--limit <number>', 'how many at most; of conflicts 100', upToMost, 100)
    .option('--json', 'as the API answers it')
    .addHelpText('after', EVENTS_HELP)
    .action(async (flags: EventsFlags) => onDone(await events(flags, context)))
  program
    .command('rejected')
    .description('list requests that were refused, newest first')
    .option('--source <source>', 'of one source only')
    .option('--reason <code>', 'for one reason only, such as stale')
    .option('--before <number>', 'those alone with a lower number, for the next page')
    .option('--limit <number>', 'how many at most', upToMost, 100)
    .option('--json', 'as the API answers it, with headers and bodies')
    .addHelpText('after', REJECTED_HELP)
    .action(async (flags: RejectedFlags) => onDone(await rejected(flags, context)))
}

function addSteppingIn(program: Command, context: CliContext, onDone: (code: number) => void): void {
  for (const verb of ['pause', 'resume'] as const) {
    program
      .command(verb)
      .description(
        verb === 'pause'
          ? 'send a destination nothing more, and keep its events'
          : 'send a destination what was kept',
      )
      .argument('<destination>', 'its name')
      .option('--json', 'as the API answers it')
      .addHelpText('after', HELP)
      .action(async (name: string, flags: OutputFlags) =>
        onDone(await setPaused(name, verb === 'pause', flags, context)),
      )
  }
  program
    .command('replay')
    .description('deliver a stored event again')
    .argument('<event>', 'its number')
    .option(
      '--destination <name>',
      'to this one only; once for each',
      (name: string, before: readonly string[]) => [...before, name],
      [],
    )
    .option('--json', 'as the API answers it')
    .addHelpText('after', REPLAY_HELP)
    .action(async (event: string, flags: ReplayFlags) => onDone(await replay(event, flags, context)))
  for (const { step, does } of STEPS) {
    const command = program
      .command(step)
      .description(does)
      .argument('<which>', 'the number of one delivery, or a destination for all of its own')
      .option('--json', 'as the API answers it; of a destination { moved, left }')
      .addHelpText('after', HELP)
      .action(async (which: string, flags: MoveFlags) => onDone(await move(which, step, flags, context)))
    if (step === 'redrive')
      command.option('--force', 'also where later ones of its key have run since: it then runs out of order')
  }
}

function upToMost(text: string): number {
  const limit = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : Infinity
  if (limit > MOST_LISTED)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_LISTED}.`)
  return limit
}
