// The tests' servers for scripts and benches, which run without a compiler.
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const HERE = dirname(fileURLToPath(import.meta.url))
// Below node_modules, so that what it imports is found.
const outfile = join(HERE, `../../../node_modules/.servers-${process.pid}.tmp.mjs`)
await build({
  entryPoints: [join(HERE, 'index.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
})
export const {
  createDatabase,
  QUICK_RECOVERY,
  startPgBouncer,
  startPostgres,
  startProxy,
  startRedis,
  throughPort,
} = await import(outfile).finally(() => rmSync(outfile))
