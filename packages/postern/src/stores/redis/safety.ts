import { PosternError } from '../../core/index.ts'
import type { StoreSetting } from '../../inbox/index.ts'
import type { Link } from './link.ts'

/** What the server must be started with; `docs/stores/redis.md` says why. */
const WANTED: Readonly<Record<string, string>> = {
  appendonly: 'yes',
  appendfsync: 'always',
  // With `yes` the fsync is off while the file is rewritten.
  'no-appendfsync-on-rewrite': 'no',
  // With `yes` a file that ends inside a transaction is loaded with that transaction open.
  'aof-load-truncated': 'no',
  'maxmemory-policy': 'noeviction',
}

/** What stands for a value that the server does not tell. */
const UNKNOWN = 'unknown'

/** Reads the settings; of several servers, the first value that is not sound. */
export async function readSettings(link: Link): Promise<readonly StoreSetting[]> {
  return Promise.all(
    Object.entries(WANTED).map(async ([name, wanted]) => {
      const values = await valuesOf(link, name)
      const value = values.find((each) => each !== wanted) ?? wanted
      return { name, value, wanted, isSound: value === wanted }
    }),
  )
}

async function valuesOf(link: Link, name: string): Promise<readonly string[]> {
  try {
    const replies = await link.everywhere(['CONFIG', 'GET', name])
    return replies.map((reply) => valueIn(reply))
  } catch (error) {
    // Managed services rename or forbid CONFIG; what is no answer of the server is a broken connection.
    if (error instanceof Error && /^(ERR|NOPERM)\b/.test(error.message)) return [UNKNOWN]
    throw error
  }
}

/** A list of name and value, or what RESP3 makes a map of. */
function valueIn(reply: unknown): string {
  if (Array.isArray(reply)) return reply.length < 2 ? UNKNOWN : String(reply[1])
  if (reply instanceof Map) return String([...reply.values()][0] ?? UNKNOWN)
  if (typeof reply === 'object' && reply !== null) return String(Object.values(reply)[0] ?? UNKNOWN)
  return UNKNOWN
}

/** Throws `unsafe_store` where the server may lose what it has acknowledged. */
export function assertSound(settings: readonly StoreSetting[]): void {
  const unsound = settings.filter(({ isSound }) => !isSound)
  if (unsound.length === 0) return
  const list = unsound
    .map(({ name, value, wanted }) => `${name} is ${value}, and must be ${wanted}`)
    .join('; ')
  const hint = unsound.some(({ value }) => value === UNKNOWN)
    ? ' Where it reads unknown, the server does not tell (CONFIG GET is forbidden): find out what your provider promises.'
    : ''
  throw new PosternError(
    'unsafe_store',
    `This Redis may lose events after they were acknowledged: ${list}.${hint} Set them (CONFIG SET, and in its configuration file), or accept the loss: mayLoseAcknowledgedEvents: true`,
  )
}
