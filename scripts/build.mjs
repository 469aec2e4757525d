// Builds both packages: the SQLite engine as a string module first, then everything through the compiler.
import { spawnSync } from 'node:child_process'
import { buildEngineSource } from './build-engine-source.mjs'

await buildEngineSource()
const compiler = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], { stdio: 'inherit' })
if (compiler.status !== 0) process.exit(compiler.status ?? 1)
