import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkConfig } from './check-config.ts'
import type { GatewayConfig } from './define-config.ts'
import { messageOf, problem, type Checked } from './problem.ts'

/** In the order they are looked for. */
export const CONFIG_FILES: readonly string[] = ['ts', 'mts', 'js', 'mjs'].map(
  (ending) => `postern.config.${ending}`,
)

/** The configuration's file: the one named, else the first of `CONFIG_FILES` in the folder; `undefined` where there is none. */
export function findConfig(cwd: string, named?: string): string | undefined {
  if (named !== undefined) return resolve(cwd, named)
  return CONFIG_FILES.map((name) => resolve(cwd, name)).find((path) => existsSync(path))
}

/** Runs a configuration's file and checks what it exports. */
export async function loadConfig(path: string): Promise<Checked<GatewayConfig>> {
  const name = basename(path)
  if (!existsSync(path)) return problem(name, `there is no such file: ${path}`)
  try {
    const exported = exportedConfig(await importFile(path))
    if (exported === undefined) {
      return problem(name, 'exports no configuration; write: export default defineConfig({ sources: { … } })')
    }
    return checkConfig(exported, name)
  } catch (error) {
    return problem(name, messageOf(error))
  }
}

type Exports = Readonly<Record<string, unknown>>

/** `config`, the default export, or `sources` and `handlers` as they stand. */
function exportedConfig(exports: Exports): unknown {
  if (exports['config'] !== undefined) return exports['config']
  if (exports['default'] !== undefined) return exports['default']
  return exports['sources'] === undefined ? undefined : { ...exports }
}

async function importFile(path: string): Promise<Exports> {
  const url = pathToFileURL(path).href
  // An import's type is the importer's word; `checkConfig` looks at what came.
  if (!/\.[cm]?ts$/.test(path)) return (await import(url)) as Exports
  const { createJiti } = await import('jiti')
  // No cache on disk: a configuration may have secrets in it.
  const jiti = createJiti(url, { fsCache: false, interopDefault: false })
  return jiti.import<Exports>(path)
}
