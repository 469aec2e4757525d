import type { Reason, WebhookRequest } from '../core/index.ts'
import type { KeyedScheme } from '../core/method.ts'
import { DEFAULT_TOLERANCE_SECONDS, parseTimestamp } from '../core/timestamp.ts'
import { finding, type Finding } from './finding.ts'
import { timeText, UNIT_TEXT, unitOf } from './repairs/timestamp.ts'
import { isSigning } from './subject.ts'

/** What an authentic request is refused for. */
export function authenticFindings(
  schemes: readonly KeyedScheme[],
  request: WebhookRequest,
  reason: Reason,
  nowMs: number,
): readonly Finding[] {
  if (reason === 'malformed_body') {
    const evidence =
      'the signature verifies, and the body cannot be read as an event: it is no JSON object or array'
    return [finding('body_unreadable', 'proven', evidence)]
  }
  for (const { scheme, method, keys } of schemes) {
    const result = method.check(scheme, keys, request, { nowMs })
    if (result.ok || result.reason !== reason || !isSigning(scheme) || scheme.timestamp === undefined)
      continue
    const text = timeText(scheme, request)
    const { unit, toleranceSeconds = DEFAULT_TOLERANCE_SECONDS } = scheme.timestamp
    if (text === undefined) continue
    const meant = unitOf(text)
    if (meant !== undefined && meant !== unit) {
      const evidence = `the signature verifies, and the time is in ${UNIT_TEXT[meant]}: the scheme sends ${UNIT_TEXT[unit]}`
      return [finding('timestamp_unit', 'proven', evidence, scheme.name)]
    }
    const evidence = `the signature verifies, and the time is ${distanceText((parseTimestamp(text, unit) ?? nowMs) - nowMs)} this clock: ${toleranceSeconds} s are allowed by default`
    return [finding('timestamp_off', 'proven', evidence, scheme.name)]
  }
  return [
    finding(
      'timestamp_off',
      'proven',
      `the signature verifies, and the request is ${reason === 'future' ? 'of the future' : 'stale'}`,
    ),
  ]
}

function distanceText(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  const hours = seconds / 3600
  // Clocks that are off by a time zone are off by hours, within the seconds that a request takes.
  const isZone = seconds > 1800 && hours <= 14 && Math.abs(hours - Math.round(hours)) < 0.01
  const zone = isZone ? `, which is about ${Math.round(hours)} h: local time may have been taken for UTC` : ''
  return `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'}${zone === '' ? '' : `${zone},`}`
}
