import { readSecretUse, type HasSmallState, type SecretUse, type Sources } from 'postern'
import { ok, warn, type Finding } from './finding.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** Some senders have nothing to say for a day or two; the newest secret has to have matched later as well. */
const UNUSED_MS = 3 * DAY_MS

/** When the secrets of sources that are being rotated last matched, as the nodes that ran here have noted. */
export async function checkSecretUse(
  { state }: HasSmallState,
  sources: Sources,
  nowMs: number,
): Promise<readonly Finding[]> {
  const uses = await readSecretUse(state, sources)
  return uses
    .filter((use) => uses.some((other) => other !== use && isOf(use, other)))
    .map((use) => findingOf(use, newestOf(uses, use), nowMs))
}

function findingOf(use: SecretUse, newest: SecretUse | undefined, nowMs: number): Finding {
  const { source, name, position, label, lastMatchedMs } = use
  const subject = `sources.${source}`
  const what = `${name === 'secret' ? 'secret' : `${name}, secret`} ${position} (${label})`
  const isReplaced = use !== newest && (newest?.lastMatchedMs ?? 0) > (lastMatchedMs ?? 0)
  if (lastMatchedMs === undefined) {
    const said = `${what} has matched no request that is known of`
    return isReplaced ? warn(subject, `${said}, and the newest has: take it away`) : ok(subject, said)
  }
  const ageMs = Math.max(0, nowMs - lastMatchedMs)
  const said = `${what} last matched ${agoText(ageMs)} ago`
  if (isReplaced && ageMs >= UNUSED_MS) {
    return warn(subject, `${said}, and the newest since then: take the old one away`)
  }
  return ok(subject, said)
}

function newestOf(uses: readonly SecretUse[], use: SecretUse): SecretUse | undefined {
  return uses.find((other) => isOf(use, other) && other.position === 1)
}

function isOf(left: SecretUse, right: SecretUse): boolean {
  return left.source === right.source && left.name === right.name
}

function agoText(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
}
