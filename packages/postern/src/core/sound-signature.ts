import type { SignatureScheme } from './scheme.ts'
import { isSigned } from './sound-scheme.ts'

/** Why a scheme of signatures looks protected and is not, or can be passed by no request. */
export function unsoundSignature(scheme: SignatureScheme): string | undefined {
  const { timestamp, id, content } = scheme
  if (scheme.signature.in.length === 0) return 'has no place for a signature'
  if (content.length === 0) return 'signs nothing'
  if (timestamp !== undefined && !content.includes('timestamp') && !isSigned(timestamp.in, scheme)) {
    return 'has a timestamp that is not part of the signed content, so anyone could renew it'
  }
  if (timestamp === undefined && content.includes('timestamp')) return 'signs a timestamp that stands nowhere'
  if (id !== undefined && !content.includes('id')) return 'has an id that is not signed'
  const separator = id === undefined ? undefined : literalAfterId(content)
  if (separator !== undefined && !id?.forbid?.includes(separator)) {
    return `must forbid '${separator}' in its ids: one could shift the boundary to the next part`
  }
  return undefined
}

function literalAfterId(content: SignatureScheme['content']): string | undefined {
  const next = content[content.indexOf('id') + 1]
  return typeof next === 'object' && 'literal' in next ? next.literal[0] : undefined
}
