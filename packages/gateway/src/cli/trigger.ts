import { readFile } from 'node:fs/promises'
import { validateHeaderValue } from 'node:http'
import { resolve } from 'node:path'
import { parsePort } from '../config/address.ts'
import { messageOf } from '../config/problem.ts'
import { escapeUnprintable } from '../observe/escape.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-code.ts'
import { DEFAULT_PREFIX } from './gateway.ts'
import { inTurns, Sender } from './send.ts'
import { readData } from './trigger-data.ts'
import { TriggerReport } from './trigger-report.ts'
import { chooseSample, signedRequest, type RequestRecipe, type SignedRequest } from './trigger-request.ts'
import { listSamples, typesOf, type SampledSource } from './trigger-samples.ts'
import { configuredSource, signingSource, unknownSource, type SigningSource } from './trigger-source.ts'
import { UsageError } from './usage-error.ts'

export interface TriggerFlags {
  readonly url?: string
  readonly secret?: string
  readonly privateKey?: string
  readonly count: number
  readonly data?: string
  readonly id?: string
  readonly json?: boolean
  readonly list?: boolean
  readonly config?: string
}

export interface TriggerInput {
  readonly source: string | undefined
  readonly type: string | undefined
  readonly flags: TriggerFlags
}

const AT_ONCE = 16
/** An event under a fixed id has a fixed time too: sent again it is a duplicate, and with another body a conflict. */
const FIXED_MS = Date.UTC(2026, 0, 1)

/** `postern trigger`: sends signed events as the provider would, and says what came back. */
export async function trigger(
  { source: name, type, flags }: TriggerInput,
  context: CliContext,
): Promise<number> {
  if (flags.list === true) {
    const listed = name === undefined ? undefined : await sampledSource(name, flags, context)
    return listSamples(listed, flags.json === true, context)
  }
  if (name === undefined)
    throw new UsageError('Which source? postern trigger --list shows them with their event types')
  if (type === undefined)
    throw new UsageError(`Which event type? ${typesOf(await sampledSource(name, flags, context))}`)
  const url = targetUrl(name, flags, context)
  const found = await signingSource({ name, secret: flags.secret, config: flags.config }, context)
  if ('missing' in found) {
    if (found.missing === 'source') throw new UsageError(found.message)
    context.stderr.write(`${found.message}\n`)
    return EXIT.failed
  }
  const recipe = await recipeOf({ name, type, url }, flags, found, context)
  return sendAll(recipe, flags, found.secretFrom, context)
}

/** A source may be called otherwise than its provider. */
async function sampledSource(
  name: string,
  { config }: TriggerFlags,
  context: CliContext,
): Promise<SampledSource> {
  const source = await configuredSource(name, config, context)
  if (source === undefined) throw new UsageError(unknownSource(name))
  return { name, provider: source.provider.name }
}

async function recipeOf(
  { name, type, url }: { readonly name: string; readonly type: string; readonly url: string },
  flags: TriggerFlags,
  { source }: SigningSource,
  context: CliContext,
): Promise<RequestRecipe> {
  const chosen = chooseSample(source, type)
  if (chosen === undefined && flags.data === undefined) {
    throw new UsageError(
      `There is no sample '${escapeUnprintable(type)}' of ${source.provider.title}; give the body with --data @file.json`,
    )
  }
  const data = flags.data === undefined ? undefined : await readData(flags.data, context)
  const privateKey =
    flags.privateKey === undefined ? undefined : await readPrivateKey(flags.privateKey, context)
  if (chosen?.isOwn === false && data === undefined) {
    const shown = escapeUnprintable(type)
    context.stderr.write(
      `'${shown}' is none of ${name}'s samples: sending an event of that type in the template's form\n`,
    )
  }
  return { url, type, source, sample: chosen?.sample, data, privateKey }
}

async function readPrivateKey(path: string, { cwd }: Pick<CliContext, 'cwd'>): Promise<string> {
  try {
    return await readFile(resolve(cwd, path), 'utf8')
  } catch (error) {
    throw new UsageError(`--private-key cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

async function sendAll(
  recipe: RequestRecipe,
  flags: TriggerFlags,
  secretFrom: string,
  context: CliContext,
): Promise<number> {
  const { url } = recipe
  const report = new TriggerReport({
    context,
    url,
    secretFrom,
    count: flags.count,
    isJson: flags.json === true,
  })
  const sender = new Sender({ url, atOnce: AT_ONCE, now: context.now })
  await inTurns(flags.count, AT_ONCE, async () => {
    const id = flags.id ?? Buffer.from(context.randomBytes(16)).toString('hex')
    const nowMs = context.now()
    const createdMs = flags.id === undefined ? nowMs : FIXED_MS
    const request = signedRequest(recipe, { id, createdMs, nowMs })
    assertSendable(request, recipe, flags)
    const sent = await sender.send(request)
    report.add(sent)
    return sent.status === undefined && sent.isRefused ? 'stop' : 'go on'
  })
  sender.close()
  report.end()
  return report.isAllOk ? EXIT.ok : EXIT.failed
}

/** What no header can hold was given here, and is no matter of the receiver's. The value is not shown: it may be a secret. */
function assertSendable({ headers }: SignedRequest, { type }: RequestRecipe, { id }: TriggerFlags): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderValue(name, value)
    } catch (error) {
      const given = value === id ? '--id' : value === type ? 'The event type' : 'What was given'
      throw new UsageError(
        `${given} stands in the header ${name}, which cannot hold a line break or another character beyond Latin-1`,
        { cause: error },
      )
    }
  }
}

function targetUrl(name: string, { url }: TriggerFlags, { env }: CliContext): string {
  if (url !== undefined) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new UsageError(`--url must be an http or https URL: ${escapeUnprintable(url)}`)
    }
    return url
  }
  const port = parsePort(env['PORT'] || '3000', 'PORT')
  if (!port.ok)
    throw new UsageError(port.problems.map(({ path, message }) => `${path}: ${message}`).join('; '))
  return `http://localhost:${port.value}${DEFAULT_PREFIX}/${encodeURIComponent(name)}`
}
