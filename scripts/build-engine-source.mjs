// Bundles src/stores/sqlite/engine.ts into a module that exports it as a string. The store starts that string as a
// worker thread, so that bundlers and test runners keep it: a path to a file is what they lose.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

const FOLDER = 'packages/postern/src/stores/sqlite'

export async function buildEngineSource() {
  const result = await build({
    entryPoints: [`${FOLDER}/engine-thread.ts`],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    external: ['node:*'],
  })
  const text = [
    '// Made by scripts/build-engine-source.mjs from engine-thread.ts; not edited, not committed.',
    `export const ENGINE_SOURCE: string = ${JSON.stringify(result.outputFiles[0].text)}`,
    '',
  ].join('\n')
  const path = `${FOLDER}/engine-source.ts`
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
}
