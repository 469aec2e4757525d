import { PosternError } from './errors.ts'
import { configuredSecrets, Keyring } from './keyring.ts'
import type { HandshakeOptions } from './open-handshake.ts'
import { FUNCTION, oneOf, SECRET, type Kind } from './option-kinds.ts'
import { optionsOf } from './source-options.ts'
import { isText } from './place.ts'
import type { EventMap, Source } from './source.ts'

/** May be empty: nobody may ask then. */
const LIST: Kind = [(value) => Array.isArray(value) && value.every(isText), 'a list of texts']
const KINDS = { token: SECRET, origins: LIST, keep: FUNCTION, kept: FUNCTION, keepMore: oneOf(true, false) }

/**
 * The source, answering the handshakes of its provider that nothing signs; as it was where `options` are absent or
 * `false`. Throws `PosternError` for a provider without any, for an option that its handshakes have no place for, and
 * where one has to show a token and none is given.
 */
export function answeringHandshakes<Events extends EventMap>(
  source: Source<Events>,
  options: HandshakeOptions | boolean | undefined,
): Source<Events> {
  if (options === undefined || options === false) return source
  const given: HandshakeOptions = options === true ? {} : options
  const named = `${source.provider.name}: handshake`
  const { token, origins, keep, kept, keepMore = false, ...others } = optionsOf({ name: named }, given, KINDS)
  const rules = source.provider.openHandshakes ?? []
  const refuse = (problem: string): never => {
    throw new PosternError('bad_config', `${named} ${problem}`)
  }
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) refuse(`has an unknown option, '${unknown}'`)
  if (rules.length === 0) refuse('is of no use: its provider has none that is not signed')
  const tokens = configuredSecrets(source.provider, 'handshake token', token)
  const asksForToken = rules.some((rule) => rule.token !== undefined)
  if (asksForToken && tokens.length === 0) refuse('needs a token: the one that was given to the provider')
  if (!asksForToken && tokens.length > 0) refuse('has a token, and its provider sends none')
  if (origins !== undefined && !rules.some((rule) => rule.origin !== undefined))
    refuse('has origins, and its provider names none')
  if (
    (keep !== undefined || kept !== undefined || keepMore) &&
    !rules.some((rule) => rule.secret !== undefined)
  )
    refuse('has something to keep, and its provider brings no secret')
  return {
    ...source,
    handshake: {
      rules,
      ...(tokens.length > 0 && { tokens: new Keyring(tokens, { as: 'utf8' }) }),
      ...(origins !== undefined && { origins }),
      ...(keep !== undefined && { keep }),
      ...(kept !== undefined && { kept }),
      keepMore,
    },
  }
}
