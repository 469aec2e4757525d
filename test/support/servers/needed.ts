import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ServerName } from './programs.ts'

const IMPORT = /\bfrom '(\.[^']+)'/g

/** What a test's code says where it uses a server: the run's own, or one that it starts itself. */
const USES: Readonly<Record<'shared' | 'own', Readonly<Partial<Record<ServerName, string>>>>> = {
  shared: { postgres: "inject('postgresUrl')", redis: "inject('redisUrl')" },
  own: { postgres: 'startPostgres(', redis: 'startRedis(', pgbouncer: 'startPgBouncer(' },
}

/** Which servers some test files use, they or what they import: a run of unit tests starts none. */
export class Needs {
  readonly #code: string

  constructor(testFiles: readonly string[]) {
    const seen = new Map<string, string>()
    for (const file of testFiles) read(file, seen)
    this.#code = [...seen.values()].join('\n')
  }

  /** Whether the server's programs must be there. */
  programs(server: ServerName): boolean {
    return this.#code.includes(USES.own[server] ?? '\0')
  }

  /** Whether the run's own server must be there. */
  shared(server: ServerName): boolean {
    return this.#code.includes(USES.shared[server] ?? '\0')
  }
}

function read(file: string, seen: Map<string, string>): void {
  // The servers' own code is not a use of them, though it holds the same words.
  const isOwn = dirname(file) === import.meta.dirname && !file.endsWith('.test.ts')
  if (isOwn || seen.has(file) || !existsSync(file)) return
  const code = readFileSync(file, 'utf8')
  seen.set(file, code)
  for (const [, path = ''] of code.matchAll(IMPORT)) read(resolve(dirname(file), path), seen)
}
