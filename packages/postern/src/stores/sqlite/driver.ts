import { createRequire, isBuiltin } from 'node:module'
import { PosternError } from '../../core/index.ts'
import { loadDriver } from './database.ts'

/** Older versions can corrupt the file when two connections write and checkpoint at once (the WAL-reset bug). */
const OLDEST_SAFE_VERSION = '3.51.3'

/** Node's own. */
export const BUILT_IN = 'node:sqlite'

/** The package used where Node's own SQLite is absent or too old. */
const FALLBACK_PACKAGE = '@photostructure/sqlite'

/**
 * Chooses a driver and answers the specifier that `require` takes in any thread: `node:sqlite` where it is new enough,
 * else `@photostructure/sqlite`, else a refusal that names both ways out.
 */
export function chooseDriver(specifier?: string): string {
  if (specifier !== undefined) return assertSafe(specifier)
  if (isSafe(BUILT_IN)) return BUILT_IN
  const require = createRequire(import.meta.url)
  for (const paths of [undefined, [process.cwd()]]) {
    try {
      return assertSafe(require.resolve(FALLBACK_PACKAGE, paths && { paths }))
    } catch (error) {
      if (error instanceof PosternError) throw error
    }
  }
  throw new PosternError(
    'unsafe_store',
    `SQLite ${OLDEST_SAFE_VERSION} or newer is needed. Either run a Node whose ${BUILT_IN} has it (22.22.3, 24.15, 25.9, 26 and newer of each do), or run: npm install ${FALLBACK_PACKAGE}@1`,
  )
}

function assertSafe(specifier: string): string {
  if (!isSafe(specifier)) {
    throw new PosternError(
      'unsafe_store',
      `${specifier} has SQLite ${versionOf(specifier) ?? '(none)'}; ${OLDEST_SAFE_VERSION} or newer is needed, since older ones can corrupt a file under two connections`,
    )
  }
  return specifier
}

function isSafe(specifier: string): boolean {
  const version = versionOf(specifier)
  return version !== undefined && compareVersions(version, OLDEST_SAFE_VERSION) >= 0
}

function versionOf(specifier: string): string | undefined {
  return specifier === BUILT_IN ? builtInVersion() : askedVersion(specifier)
}

/** As Node says it: only loading the module would print Node 22's ExperimentalWarning, whether it is used then or not. */
function builtInVersion(): string | undefined {
  return isBuiltin(BUILT_IN) ? process.versions['sqlite'] : undefined
}

function askedVersion(specifier: string): string {
  const { DatabaseSync } = loadDriver(specifier, createRequire(import.meta.url))
  const database = new DatabaseSync(':memory:')
  try {
    // One row with this one column, by the statement's text.
    return (database.prepare('SELECT sqlite_version() AS version').get() as { version: string }).version
  } finally {
    database.close()
  }
}

function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split('.').map(Number)) as [number[], number[]]
  const differs = a.findIndex((part, index) => part !== (b[index] ?? 0))
  return differs < 0 ? 0 : (a[differs] ?? 0) - (b[differs] ?? 0)
}
