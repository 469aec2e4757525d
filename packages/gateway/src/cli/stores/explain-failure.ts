import { messageOf } from '../../config/problem.ts'

const TRUST = 'name the authority that signed its certificate: NODE_EXTRA_CA_CERTS=FILE'

/** What to do about what servers and the system answer, by their codes or first words. */
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there: is the server running, and is it that host and port?',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name could not be looked up',
  ETIMEDOUT: 'it did not answer in time: is the server up, and may this machine reach it?',
  EHOSTUNREACH: 'this machine has no way there',
  ECONNRESET:
    'the server ended the connection: does it want TLS, as by rediss://, or stands something between?',
  DEPTH_ZERO_SELF_SIGNED_CERT: TRUST,
  SELF_SIGNED_CERT_IN_CHAIN: TRUST,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: TRUST,
  // PostgreSQL's codes.
  '28P01': 'the user name or the password is wrong',
  '28000': 'the server does not let this user in from here: see its pg_hba.conf',
  '3D000': 'make it with: createdb NAME',
  '42501': 'the user may not make its schema: GRANT CREATE ON DATABASE … TO …',
  // Redis' first words.
  WRONGPASS: 'the user name or the password is wrong',
  NOAUTH: 'the server wants a password: redis://:PASSWORD@HOST',
  NOPERM: 'the user may not run a command that the store needs',
}

/** What a store's failure means for the operator, in one sentence, and without the secrets in its URL. */
export function explainFailure(error: unknown, address: string): string {
  const root = rootOf(error)
  const message = withoutSecrets(messageOf(root), address)
  const code = root instanceof Error ? (root as NodeJS.ErrnoException).code : undefined
  const advice = ADVICE[code ?? ''] ?? ADVICE[/^[A-Z]+/.exec(message)?.[0] ?? '']
  return advice === undefined ? message : `${message}; ${advice}`
}

/** What a store wraps, and of a name with several addresses the first one's error: its own message is empty. */
function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0])
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error
}

/** No client is known to repeat a password; should one do so, it is not passed on. */
function withoutSecrets(message: string, address: string): string {
  const secrets = URL.canParse(address) ? secretsOf(new URL(address)) : []
  return secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message.replaceAll(address, '***'))
}

function secretsOf({ password, searchParams }: URL): readonly string[] {
  const given = [password, decoded(password), searchParams.get('password') ?? '']
  return given.filter((secret) => secret !== '')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
