import { findConfig } from '../../config/config-file.ts'
import { escapeUnprintable } from '../../observe/escape.ts'
import type { CliContext } from '../context.ts'
import { EXIT } from '../exit-code.ts'
import { readTlsFiles } from '../network-settings.ts'
import {
  readAcceptedLoss,
  readSettings,
  readStore,
  type GatewayFlags,
  type SettingsInput,
} from '../settings.ts'
import { checkNode } from './check-node.ts'
import { checkPorts } from './check-ports.ts'
import { checkSources } from './check-sources.ts'
import { checkSecretUse } from './check-secret-use.ts'
import { checkStore, type LookInto } from './check-store.ts'
import { checkTls } from './check-tls.ts'
import { failures, type Finding } from './finding.ts'

export interface DoctorFlags extends GatewayFlags {
  readonly json?: boolean
}

/** `postern doctor`: looks at all that `serve` here would need, and says what to do. Changes nothing. */
export async function doctor(flags: DoctorFlags, context: CliContext): Promise<number> {
  const { env, cwd, nodeVersion } = context
  const input: SettingsInput = { flags, env, cwd, mode: 'production' }
  const checked = await checkSources(findConfig(cwd, flags.config), env)
  const findings = [
    checkNode(nodeVersion),
    ...checked.findings,
    ...(await checkSettings(input, context.now(), (store) =>
      checkSecretUse(store, checked.sources, context.now()),
    )),
  ]
  const isSound = findings.every(({ level }) => level !== 'fail')
  context.stdout.write(flags.json === true ? asJson(isSound, findings) : asText(isSound, findings))
  return isSound ? EXIT.ok : EXIT.failed
}

async function checkSettings(
  input: SettingsInput,
  nowMs: number,
  look: LookInto,
): Promise<readonly Finding[]> {
  const settings = readSettings(input)
  const [store, mayLose, tls] = [readStore(input), readAcceptedLoss(input), readTlsFiles(input)]
  return [
    ...(settings.ok ? [] : failures(settings.problems)),
    ...(store.ok ? await checkStore(store.value, mayLose.ok && mayLose.value, look) : []),
    ...(tls.ok ? await checkTls(tls.value, nowMs) : []),
    ...(settings.ok ? await checkPorts(settings.value) : []),
  ]
}

function asJson(isSound: boolean, findings: readonly Finding[]): string {
  return `${JSON.stringify({ sound: isSound, findings })}\n`
}

function asText(isSound: boolean, findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length))
  const lines = findings.map(
    ({ level, subject, message }) =>
      `${level.padEnd(4)}  ${subject.padEnd(width)}  ${escapeUnprintable(message, 1000)}`,
  )
  return [...lines, isSound ? 'Sound.' : 'Not sound: see what failed above.', ''].join('\n')
}
