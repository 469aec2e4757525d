import type { ApiResult } from '../vendors/api-client.ts'
import { Arrivals, type ListedEvent } from './arrivals.ts'
import type { CliContext } from './context.ts'
import { SECRETS_FILE } from './development-secrets.ts'
import { isTaken } from './secret-keeper.ts'
import type { VendorReport } from './vendor-report.ts'

export interface VendorTest {
  readonly vendor: string
  /** The gateway's source that the test arrives at, as events of this type. */
  readonly source: string
  readonly type: string
  /** Asks the vendor to send its test. */
  readonly send: () => Promise<ApiResult<unknown>>
  readonly keptIn: string
  readonly folder: string
}

export interface TestResult {
  /** Whether the vendor was asked at all. */
  readonly ran: boolean
  readonly isPassed: boolean
  readonly why?: string
  readonly event?: ListedEvent
}

/** Vast.ai's deliveries may take 10 s until they give up. */
const ARRIVES_WITHIN_MS = 15_000

/** Has the vendor send its own test, and says what arrived. */
export async function testWebhook(
  test: VendorTest,
  report: VendorReport,
  context: CliContext,
): Promise<TestResult> {
  const result = await run(test, context)
  report.say(result.event === undefined ? (result.why ?? '') : arrivedText(test, result.event))
  return result
}

async function run(
  { vendor, source, type, send, keptIn, folder }: VendorTest,
  context: CliContext,
): Promise<TestResult> {
  if (keptIn === SECRETS_FILE && !(await isTaken(folder, source))) {
    return notRun(
      `not tested: no development gateway of this folder runs with it; start one with 'postern dev', then say --test`,
    )
  }
  const arrivals = new Arrivals(context)
  const before = await arrivals.newest(source, type)
  if (before === 'unreachable') {
    return notRun(
      `not tested: the gateway's admin API (POSTERN_ADMIN) does not answer, so that nobody could say what arrives`,
    )
  }
  const withinMs = context.vendors?.arrivesWithinMs ?? ARRIVES_WITHIN_MS
  const sent = await send()
  if (!sent.ok)
    return failed(`${vendor}'s test failed: ${sent.message}; the gateway's log says what it made of it`)
  const event = await arrivals.next(source, type, { after: before?.eventSeq ?? 0, withinMs })
  if (event !== undefined) return { ran: true, isPassed: true, event }
  return failed(
    `${vendor} says that it sent its test, and nothing arrived at ${source} within ${withinMs / 1000} s`,
  )
}

function arrivedText(
  { vendor, source, type }: VendorTest,
  { eventSeq, id, verifiedBy }: ListedEvent,
): string {
  return `${vendor}'s own test arrived at ${source}: ${type} #${eventSeq}, id ${id}, verified by ${verifiedBy}`
}

function notRun(why: string): TestResult {
  return { ran: false, isPassed: false, why }
}

function failed(why: string): TestResult {
  return { ran: true, isPassed: false, why }
}
