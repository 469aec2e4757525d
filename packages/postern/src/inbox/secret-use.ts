import type { Source } from '../core/index.ts'
import { secretLabel, secretLabelAside } from './secret-label.ts'
import { secretNameOf } from '../core/sound-scheme.ts'
import type { SmallState } from './small-state.ts'

/** When a configured secret last matched a request. */
export interface SecretUse {
  readonly source: string
  /** `secret`, or the name of another that the provider's schemes are verified by. */
  readonly name: string
  /** From 1, in the order configured: newest first. */
  readonly position: number
  /** Four hexadecimal digits, by which it is known again at another position. Says nothing of the secret. */
  readonly label: string
  /** To within ten minutes; `undefined` where none has, or longer ago than a year. */
  readonly lastMatchedMs: number | undefined
}

const PREFIX = 'secret-matched/'
/** A secret that was taken away is forgotten after that time. */
const FORGOTTEN_AFTER_MS = 400 * 24 * 60 * 60 * 1000

/** Writes down that a secret has matched. */
export async function noteSecretUse(
  state: SmallState,
  use: Pick<SecretUse, 'label' | 'name' | 'source'>,
  nowMs: number,
): Promise<void> {
  await state.set(keyOf(use), new Date(nowMs).toISOString(), { forMs: FORGOTTEN_AFTER_MS })
}

/** When each secret of these sources last matched, on whatever node and at whatever position. */
export async function readSecretUse(
  state: SmallState,
  sources: Readonly<Record<string, Source>>,
): Promise<readonly SecretUse[]> {
  const entries = new Map((await state.list(PREFIX)).map(({ key, value }) => [key, value]))
  const uses: SecretUse[] = []
  for (const { digest, ...secret } of Object.entries(sources).flatMap(secretsOf)) {
    // One after another: the threads that compute them look up names for everybody else as well.
    const label = await secretLabelAside(secret.source, digest)
    const lastMatchedMs = Date.parse(entries.get(keyOf({ ...secret, label })) ?? '')
    uses.push({
      ...secret,
      label,
      lastMatchedMs: Number.isNaN(lastMatchedMs) ? undefined : lastMatchedMs,
    })
  }
  return uses
}

/** What a secret is noted as; `undefined` where a scheme has none at that index. */
export function labelled(
  source: string,
  configured: Source,
  schemeName: string,
  secretIndex: number,
): Pick<SecretUse, 'label' | 'name' | 'source'> | undefined {
  const keyed = configured.schemes.find(({ scheme }) => scheme.name === schemeName)
  const digest = keyed?.keys.digests()[secretIndex]
  if (keyed === undefined || digest === undefined) return undefined
  return { source, name: secretNameOf(keyed.scheme), label: secretLabel(source, digest) }
}

interface ConfiguredSecret extends Pick<SecretUse, 'name' | 'position' | 'source'> {
  readonly digest: string
}

/** Every secret once, however many schemes are verified by it. */
function secretsOf([source, { schemes }]: readonly [string, Source]): readonly ConfiguredSecret[] {
  const byName = new Map(schemes.map(({ scheme, keys }) => [secretNameOf(scheme), keys.digests()]))
  return [...byName].flatMap(([name, digests]) =>
    digests.map((digest, index) => ({ source, name, position: index + 1, digest })),
  )
}

function keyOf({ source, name, label }: Pick<SecretUse, 'label' | 'name' | 'source'>): string {
  return `${PREFIX}${source}/${name}/${label}`
}
