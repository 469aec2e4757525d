export { randomBytes, sha256, type Algorithm } from './crypto.ts'
export type { Encoding } from './encoding.ts'
export { PosternError, type ErrorCode } from './errors.ts'
export type { Envelope, Evidence, Handshake, HandshakeMember, HandshakeReply, Provider } from './provider.ts'
export { hmacs } from './hmac-method.ts'
export type { Logger, LogFields } from './log.ts'
export type { Method } from './method.ts'
export { keyedDigests, publicKeys } from './public-key.ts'
export { isAuthentic, REASONS, type Reason } from './reason.ts'
export type { HeaderList, RequestLike, WebhookRequest } from './request.ts'
export type {
  KeyFormat,
  OtherAlgorithm,
  Part,
  Place,
  Scheme,
  SecretInBody,
  SecretInHeader,
  SignatureRule,
  SignatureScheme,
  SignedIdRule,
  StaticSecretScheme,
  TimestampRule,
} from './scheme.ts'
export { sign, signRequest, type SignedRequest, type SignInput } from './sign.ts'
export {
  defineHmacSource,
  defineSource,
  defineSourceBy,
  hasSecret,
  withSecret,
  type EventMap,
  type Source,
} from './source.ts'
export { bodySecrets, headerSecrets } from './static-secret-method.ts'
export type { KeyedSourceOptions, Secret, SourceOptions } from './source-options.ts'
export { verify, type Clock, type Verdict, type WebhookEvent } from './verify.ts'
