// `postern pull` as a process of its own, to be killed; the stand-in's origin in place of the vendor's is what no flag can say.
import { randomBytes } from 'node:crypto'
import { run } from '../../packages/gateway/dist/cli/run.js'

const [origin, ...args] = process.argv.slice(2)
process.exitCode = await run(args, {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  randomBytes,
  version: '0.0.0',
  nodeVersion: process.versions.node,
  onSignal: () => () => {},
  onFatal: () => () => {},
  exit: (code) => process.exit(code),
  vendors: { originOf: () => origin },
})
process.stdin.destroy()
