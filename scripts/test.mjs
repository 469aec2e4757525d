// `npm test`: builds, checks the types of the tests, runs every test. What follows `--` goes to Vitest.
import { spawnSync } from 'node:child_process'

const run = (script, ...args) =>
  spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' }).status ?? 1
const orExit = (status) => status === 0 || process.exit(status)

orExit(run('scripts/build.mjs'))
orExit(run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'))
const tests = run('node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2))
orExit(run('scripts/closing-line.mjs') || tests)
