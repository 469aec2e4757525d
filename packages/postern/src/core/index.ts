export { defineAnySource, type AnyKeys } from './any-source.ts'
export { certificates, type CertificatesOptions } from './certificate-method.ts'
export { randomBytes, sha256, type Algorithm } from './crypto.ts'
export type { Encoding } from './encoding.ts'
export { PosternError, type ErrorCode } from './errors.ts'
export type {
  Envelope,
  Evidence,
  Handshake,
  HandshakeMember,
  HandshakeReply,
  OpenHandshake,
  Provider,
} from './provider.ts'
export { answeringHandshakes } from './answering-handshakes.ts'
export { canonicalHmacs } from './canonical-hmacs.ts'
export { bearerTokens, type Jose } from './token-method.ts'
export { defineFetchingSource } from './fetching-source.ts'
export { fetchPinned, type FetchedKeysOptions, type KeyFetch } from './fetched-keys.ts'
export { hmacs } from './hmac-method.ts'
export { itemHmacs } from './item-hmacs.ts'
export type { Logger, LogFields } from './log.ts'
export { messageSignatures } from './message-signature-method.ts'
export type { Method } from './method.ts'
export type { HandshakeOptions, KeepSecret, OpenHandshakes, ReadKeptSecrets } from './open-handshake.ts'
export { keyedDigests, publicKeys } from './public-key.ts'
export { isAuthentic, REASONS, type Reason } from './reason.ts'
export type { HeaderList, RequestLike, WebhookRequest } from './request.ts'
export { originForm } from './request-target.ts'
export type {
  CertificateRule,
  CertificateScheme,
  CertifiedPart,
  DerivedPart,
  KeyFormat,
  MessageAlgorithm,
  MessageSignatureScheme,
  OtherAlgorithm,
  Part,
  Place,
  Scheme,
  SecretInBody,
  SecretInEach,
  SecretInHeader,
  SecretInQuery,
  SignatureRule,
  SignatureScheme,
  SignedIdRule,
  StaticSecretScheme,
  TimestampRule,
  TokenScheme,
} from './scheme.ts'
export { sign, signRequest } from './sign.ts'
export type { SignedRequest, SignInput } from './sign-input.ts'
export {
  defineHmacSource,
  defineSource,
  defineSourceBy,
  hasSecret,
  withSecret,
  type EventMap,
  type Source,
} from './source.ts'
export { bodySecrets, eachSecrets, headerSecrets, querySecrets } from './static-secret-method.ts'
export { urlHmacs } from './url-hmacs.ts'
export type { KeyedSourceOptions, Secret, SourceOptions } from './source-options.ts'
export { verify, type Clock, type Verdict, type WebhookEvent } from './verify.ts'
