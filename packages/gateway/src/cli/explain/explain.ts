import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { explain, type Explanation, type Finding } from 'postern/explain'
import { providers } from 'postern/providers'
import { messageOf } from '../../config/problem.ts'
import { escapeUnprintable } from '../../observe/escape.ts'
import type { CliContext } from '../context.ts'
import { EXIT } from '../exit-code.ts'
import { readData } from '../trigger-data.ts'
import { UsageError } from '../usage-error.ts'
import { readCaptured } from './captured-request.ts'
import { explainedSource } from './explained-source.ts'

export interface ExplainFlags {
  readonly request?: string
  readonly data?: string
  readonly secret: readonly string[]
  readonly at?: string
  readonly config?: string
  readonly json?: boolean
}

export interface ExplainInput {
  readonly source: string
  readonly flags: ExplainFlags
}

/** `postern explain`: says why a request that was kept does not verify, and what to do about it. */
export async function explainCommand(
  { source: name, flags }: ExplainInput,
  context: CliContext,
): Promise<number> {
  if (flags.request === undefined) {
    throw new UsageError('Which request? Give the file that it is in with --request, or - for standard input')
  }
  const captured = readCaptured(await readRequest(flags.request, context))
  const body = flags.data === undefined ? captured.body : await readData(flags.data, context)
  const { source, candidates, otherSources } = await explainedSource(
    { name, secrets: flags.secret, config: flags.config },
    context,
  )
  const atMs = flags.at === undefined ? captured.receivedMs : timeOf(flags.at)
  const now = atMs === undefined ? context.now : () => atMs
  const request = { ...captured, body }
  // Keys that are fetched are fetched here, as a gateway would.
  const checked = await source.checkFirst?.(source, request, now())
  const explanation = explain(request, source, candidates, { now, providers, otherSources, checked })
  context.stdout.write(flags.json === true ? asJson(name, explanation) : asText(name, explanation))
  return explanation.verdict === 'verified' ? EXIT.ok : EXIT.failed
}

async function readRequest(
  path: string,
  { cwd, stdin }: Pick<CliContext, 'cwd' | 'stdin'>,
): Promise<Uint8Array> {
  if (path === '-') return readData('@-', { cwd, stdin })
  try {
    return await readFile(resolve(cwd, path))
  } catch (error) {
    throw new UsageError(`--request cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

/** Seconds since the epoch, or RFC 3339. */
function timeOf(text: string): number {
  const epochMs = /^\d{9,11}$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (Number.isNaN(epochMs)) {
    throw new UsageError(`--at must be a time, such as 2026-03-02T22:20:00Z: ${escapeUnprintable(text)}`)
  }
  return epochMs
}

function asJson(source: string, explanation: Explanation): string {
  return `${JSON.stringify({ source, ...explanation })}\n`
}

function asText(source: string, { verdict, findings, trials, untried }: Explanation): string {
  if (verdict === 'verified') return `${source}: verified\n`
  const left = untried.length === 0 ? '' : `; not tried to the end: ${untried.join('; ')}`
  return [
    `${escapeUnprintable(source)}: not verified, ${verdict}`,
    ...findings.flatMap(linesOf),
    `(${trials} checks of the signature were made${left})`,
    '',
  ].join('\n')
}

function linesOf({ certainty, cause, evidence, remedy }: Finding): readonly string[] {
  return [`  ${certainty}  ${cause}: ${escapeUnprintable(evidence, 1000)}`, `          ${remedy}`]
}
