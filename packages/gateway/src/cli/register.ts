import { SETUPS, type VendorSetup } from '../vendors/setup-steps.ts'
import { escapeUnprintable } from '../observe/escape.ts'
import type { CliContext } from './context.ts'
import { showSetup } from './register-steps.ts'
import { registerVastai, VASTAI } from './register-vastai.ts'
import type { KeeperFlags } from './secret-keeper.ts'
import { UsageError } from './usage-error.ts'

export interface RegisterFlags extends KeeperFlags {
  readonly url?: string
  readonly events?: string
  readonly context?: string
  readonly name?: string
  readonly source?: string
  readonly apiKeyEnv?: string
  /** `true` by `--test`, `false` by `--no-test`. */
  readonly test?: boolean
  readonly recover?: boolean
  readonly update?: boolean
  readonly list?: boolean
  readonly delete?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** `postern register`: sets the vendor's side up, through its API where that is documented, else as steps to take there. */
export async function register(vendor: string, flags: RegisterFlags, context: CliContext): Promise<number> {
  if (vendor === VASTAI.name) return registerVastai(flags, context)
  const setup: VendorSetup | undefined = SETUPS.find(({ names }) => names.includes(vendor))
  if (setup !== undefined) return showSetup(setup, flags, context)
  const known = [VASTAI.name, ...SETUPS.map(({ names }) => names[0])].join(', ')
  throw new UsageError(`Nothing is known of a vendor '${escapeUnprintable(vendor)}'. Known are ${known}`)
}
