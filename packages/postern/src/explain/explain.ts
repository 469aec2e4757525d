import {
  isAuthentic,
  PosternError,
  REASONS,
  type Clock,
  type Provider,
  type Reason,
  type RequestLike,
  type Scheme,
  type Source,
  type WebhookRequest,
} from '../core/index.ts'
import type { CheckResult } from '../core/check.ts'
import type { KeyedScheme } from '../core/method.ts'
import { toWebhookRequest } from '../core/request.ts'
import { secretNameOf } from '../core/sound-scheme.ts'
import { verifyRequest } from '../core/verify.ts'
import { Effort } from './effort.ts'
import { finding, type Explanation, type Finding } from './finding.ts'
import { authenticFindings } from './freshness.ts'
import { changedBytes } from './repairs/body.ts'
import { duplicatedHeaders, escapedHeaders, foldedHeaders, renamedHeaders } from './repairs/headers.ts'
import { reserialisedBody } from './repairs/json-body.ts'
import { shortenedNumbers } from './repairs/json-numbers.ts'
import { hasHeadersOf, otherProviders } from './repairs/other-provider.ts'
import { otherSecretReading } from './repairs/secret.ts'
import { otherAlgorithm, otherContent, otherEncoding, otherPrefix } from './repairs/signature.ts'
import { otherTime } from './repairs/timestamp.ts'
import { otherMethod, otherUrl } from './repairs/url.ts'
import { signsOf, wrongSecretSign } from './signs.ts'
import {
  keyringOf,
  secretTexts,
  type GivenSecret,
  type Repair,
  type Subject,
  type Variant,
} from './subject.ts'
import { Trials, type Outcome } from './trials.ts'

/** What may be looked at beside the request, its source and the candidates. */
export interface ExplainOptions {
  /** The clock that the request's time is held against; of one that was kept, when it came. Default `Date.now`. */
  readonly now?: Clock
  /** Providers whose schemes may be the request's own: `providers` of `postern/providers` for all that are built in. */
  readonly providers?: readonly Provider[]
  /** The other sources that are configured, by name: their secrets are tried too. */
  readonly otherSources?: Readonly<Record<string, Source>>
  /** What `source.checkFirst` has found, of a source whose keys are fetched: nothing is fetched here. */
  readonly checked?: ReadonlyMap<Scheme, CheckResult> | undefined
  /** How many checks of the signature are made at most. Default 2,000. */
  readonly maxTrials?: number
}

const DEFAULT_MAX_TRIALS = 2000
/** A tenth of a second of hashing; a body of a megabyte is hashed 45 times. */
const MAX_HASHED_BYTES = 48 * 1024 * 1024

/** Before other providers: their headers are all there then, and only not as they were. */
const HEADERS_IN_PLACE: readonly Repair[] = [duplicatedHeaders, foldedHeaders, escapedHeaders]

/** In this order: what is quick to try and often to blame comes first. */
const REPAIRS: readonly Repair[] = [
  renamedHeaders,
  otherEncoding,
  otherPrefix,
  otherTime,
  otherSecretReading,
  changedBytes,
  reserialisedBody,
  otherUrl,
  otherMethod,
  otherAlgorithm,
  otherContent,
  shortenedNumbers,
]

/**
 * Says why a captured request does not verify: undoes one thing after another, of all that is known to happen to
 * webhooks, until the signature verifies, and names that thing.
 *
 * `candidateSecrets` are secrets that it may have been signed with beside the source's own. Pure but for the clock,
 * which is an option. Bounded by `maxTrials`, by the bytes that are hashed and by what writing a body again costs; `complete` says
 * whether that was enough, and `untried` what was not tried.
 * Never says what the signature should have been, nor a secret or a part of one. Throws `TypeError` for a body that is
 * no bytes; whatever is in the request gives a result.
 *
 * @example
 * const { findings } = explain(captured, stripe({ secret }), [], { providers })
 * for (const { cause, certainty, evidence, remedy } of findings) console.log(certainty, cause, evidence, remedy)
 */
export function explain(
  request: RequestLike,
  source: Source,
  candidateSecrets: readonly string[] = [],
  options: ExplainOptions = {},
): Explanation {
  if (!(request.body instanceof Uint8Array)) {
    throw new TypeError(
      'The request body must be the raw bytes as received, a Uint8Array: take it before any parser of bodies',
    )
  }
  const received = toWebhookRequest(request, request.body)
  const nowMs = (options.now ?? Date.now)()
  const { maxTrials = DEFAULT_MAX_TRIALS } = options
  const trials = new Trials({ maxTrials, maxBytes: MAX_HASHED_BYTES }, nowMs)
  const effort = new Effort(received.body)
  const verdict = verdictOf(received, source, nowMs, options.checked)
  const findings =
    verdict === 'verified'
      ? []
      : whyNot({ request: received, source, candidateSecrets, options, nowMs, trials, effort }, verdict)
  const untried = [...effort.untried, ...trials.untried]
  return { verdict, findings, trials: trials.count, complete: untried.length === 0, untried }
}

interface Case {
  readonly request: WebhookRequest
  readonly source: Source
  readonly candidateSecrets: readonly string[]
  readonly options: ExplainOptions
  readonly nowMs: number
  readonly trials: Trials
  readonly effort: Effort
}

function verdictOf(
  request: WebhookRequest,
  source: Source,
  nowMs: number,
  checked: ExplainOptions['checked'],
): Explanation['verdict'] {
  if (request.body.byteLength > source.maxBodyBytes) return 'body_too_large'
  const verdict = verifyRequest(request, source, nowMs, checked)
  return verdict.ok ? 'verified' : verdict.reason
}

function whyNot(given: Case, reason: Reason): readonly Finding[] {
  const { request, source, candidateSecrets, nowMs } = given
  if (reason === 'body_too_large') {
    const evidence = `the body has ${request.body.byteLength} bytes, and the source takes ${source.maxBodyBytes}`
    return [finding('body_too_large', 'proven', evidence)]
  }
  if (isAuthentic(reason)) return authenticFindings(source.schemes, request, reason, nowMs)
  if (reason === 'no_secret' && candidateSecrets.length === 0) {
    return [finding('no_secret', 'proven', 'the source has no secret to verify with')]
  }
  const failing = failingSchemes(given)
  for (const { subject } of failing) {
    const proven = provenFinding(given, subject)
    if (proven !== undefined) return proven
  }
  return likelyFindings(failing, providersBut(given))
}

function providersBut({ options, source }: Case): readonly Provider[] {
  return (options.providers ?? []).filter(({ name }) => name !== source.provider.name)
}

interface Failing {
  readonly subject: Subject
  readonly reason: Reason
}

/** The schemes of each secret that no scheme has satisfied, those that got furthest first. */
function failingSchemes({
  request,
  source,
  candidateSecrets,
  options,
  nowMs,
  effort,
}: Case): readonly Failing[] {
  const results = source.schemes.map((keyed) => {
    const { scheme, keys, method } = keyed
    const result = options.checked?.get(scheme) ?? method.check(scheme, keys, request, { nowMs })
    return { keyed, secretName: secretNameOf(keyed.scheme), reason: result.ok ? undefined : result.reason }
  })
  const passed = new Set(
    results.filter(({ reason }) => reason === undefined).map(({ secretName }) => secretName),
  )
  const isKeyed = results.some(({ reason }) => reason !== 'no_secret')
  return results
    .flatMap(({ keyed, secretName, reason }) =>
      reason === undefined ||
      isAuthentic(reason) ||
      passed.has(secretName) ||
      (isKeyed && reason === 'no_secret')
        ? []
        : [
            {
              subject: { ...subjectOf(keyed, request, candidateSecrets, source.maxBodyBytes), effort },
              reason,
            },
          ],
    )
    .toSorted((left, right) => REASONS.indexOf(right.reason) - REASONS.indexOf(left.reason))
}

function subjectOf(
  keyed: KeyedScheme,
  request: WebhookRequest,
  candidates: readonly string[],
  maxBodyBytes: number,
): Omit<Subject, 'effort'> {
  const { scheme, method, keys } = keyed
  const ring = keyringOf(method, scheme, candidates)
  const own = secretTexts(keyed)
  const secrets: readonly GivenSecret[] = [
    ...own.map((text, index) => ({
      text,
      name: own.length === 1 ? 'the configured secret' : `configured secret ${index + 1}`,
      isConfigured: true,
    })),
    ...candidates.map((text, index) => ({
      text,
      name: `candidate secret ${index + 1}`,
      isConfigured: false,
    })),
  ]
  const rings = [keys, ...(ring === undefined ? [] : [ring])]
  return { scheme, method, request, rings, secrets, maxBodyBytes }
}

/** What the signature verifies without; `undefined` where nothing that is known was to blame alone. */
function provenFinding(given: Case, subject: Subject): readonly Finding[] | undefined {
  for (const { cause, undoing, ...changed } of variantsOf(given, subject)) {
    const { scheme = subject.scheme, method = subject.method, request = subject.request } = changed
    const rings = changed.keys === undefined ? subject.rings : [changed.keys]
    for (const [index, keys] of rings.entries()) {
      const outcome = given.trials.check({ scheme, method, keys, request })
      if (outcome === 'no') continue
      const byCandidate = changed.keys === undefined && index > 0 ? ', with a candidate secret' : ''
      const proven = finding(cause, 'proven', `it verifies ${undoing}${byCandidate}`, subject.scheme.name)
      return [proven, ...andAlso({ scheme, method, keys }, request, outcome, given.nowMs)]
    }
    if (given.trials.isSpent) return undefined
  }
  return undefined
}

type AnyVariant = Variant & Partial<Pick<Subject, 'method'>>

function* variantsOf(given: Case, subject: Subject): Iterable<AnyVariant> {
  const { options } = given
  // With this scheme's own headers there, it is more likely this provider's; without them and with another's, the other's.
  const isOthersFirst = !hasHeadersOf(subject.request, subject.scheme)
  yield* otherSecrets(subject, options.otherSources ?? {})
  for (const repair of HEADERS_IN_PLACE) yield* repair(subject)
  if (isOthersFirst) yield* otherProviders(subject, providersBut(given))
  for (const repair of REPAIRS) yield* repair(subject)
  if (!isOthersFirst) yield* otherProviders(subject, providersBut(given))
}

/** The request as it is, with secrets that are not this source's. */
function* otherSecrets(
  { scheme, method, secrets }: Subject,
  others: Readonly<Record<string, Source>>,
): Iterable<Variant> {
  for (const { text, name } of secrets.filter(({ isConfigured }) => !isConfigured)) {
    const keys = keyringOf(method, scheme, [text])
    const undoing = `with ${name}, and with none that the source has`
    if (keys !== undefined) yield { cause: 'wrong_secret', undoing, keys }
  }
  for (const [name, source] of Object.entries(others)) {
    const keys = keyringOf(method, scheme, source.schemes.flatMap(secretTexts))
    const undoing = `with the secret of the source ${name}`
    if (keys !== undefined) yield { cause: 'secret_of_another_source', undoing, keys }
  }
}

/** A request that was made to verify may be stale all the same. */
function andAlso(
  keyed: KeyedScheme,
  request: WebhookRequest,
  outcome: Outcome,
  nowMs: number,
): readonly Finding[] {
  return outcome === 'ok' || outcome === 'no' ? [] : authenticFindings([keyed], request, outcome, nowMs)
}

/** What points to something, and a wrong secret, which explains every mismatch, where nothing else does. */
function likelyFindings(failing: readonly Failing[], providers: readonly Provider[]): readonly Finding[] {
  const [first] = failing
  if (first === undefined)
    throw new PosternError('bad_config', 'A request that was refused has passed every scheme')
  const furthest = failing.filter(({ reason }) => reason === first.reason)
  const signs = furthest.flatMap(({ subject, reason }) => signsOf(subject, reason, providers))
  const isMismatch = first.reason === 'signature_mismatch'
  return distinct(isMismatch ? [...signs, wrongSecretSign(first.subject)] : signs)
}

function distinct(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(
    ({ cause, evidence }, index) =>
      findings.findIndex((other) => other.cause === cause && other.evidence === evidence) === index,
  )
}
