// `npm run check:deploy`: what deploy/ promises. The Dockerfile's rules, and its steps run in a temporary folder, with the
// gateway started from what they made, asked for its health and stopped: all that an engine would do but for the isolation.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { brokenRules, createFilter, parseDockerfile } from './deploy/dockerfile.mjs'
import { inRoot, runSteps } from './deploy/run-steps.mjs'

const SECRET = 'check_deploy_0123456789abcdef'
const say = (line) => console.log(`check:deploy: ${line}`)

const context = resolve('.')
const filter = createFilter(readFileSync('.dockerignore', 'utf8'))
const stages = parseDockerfile(readFileSync('deploy/Dockerfile', 'utf8'))
const problems = brokenRules(stages, (path) => existsSync(path) && filter(path))
if (problems.length > 0) {
  for (const problem of problems) console.error(`deploy/Dockerfile: ${problem}`)
  process.exit(1)
}
say('the Dockerfile keeps its rules')

const folder = mkdtempSync(join(tmpdir(), 'postern-image-'))
try {
  const image = runSteps({ stages, context, filter, folder, say })
  const { stdout } = spawnSync('du', ['-sm', image.root], { encoding: 'utf8' })
  say(`the image's own files are ${Number.parseInt(stdout, 10)} MB`)
  await start(image)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
say('built, started, healthy, ready, stopped')

async function start(image) {
  const PORT = String(await freePort())
  const env = { PATH: process.env.PATH, ...image.env, PORT, VASTAI_WEBHOOK_SECRET: SECRET }
  const options = { cwd: inRoot(image.root, image.workdir), env, stdio: ['ignore', 'inherit', 'inherit'] }
  const command = (args) => args.map((arg) => (arg.startsWith('/') ? inRoot(image.root, arg) : arg))
  const [file, ...args] = command([...image.ENTRYPOINT, ...image.CMD])
  const gateway = spawn(file, args, options)
  try {
    await until(async () => (await fetch(`http://127.0.0.1:${PORT}/readyz`)).status === 200, gateway)
    const [checker, ...checked] = command(image.HEALTHCHECK)
    const healthy = spawnSync(checker, checked, options).status
    if (healthy !== 0) throw new Error(`HEALTHCHECK ended with ${healthy}`)
  } finally {
    gateway.kill('SIGTERM')
    if (gateway.exitCode === null) await once(gateway, 'exit')
  }
  if (gateway.exitCode !== 0)
    throw new Error(`after SIGTERM it ended with ${gateway.exitCode ?? gateway.signalCode}`)
}

async function until(isSo, child) {
  for (;;) {
    if (await isSo().catch(() => false)) return
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} before it was ready`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

async function freePort() {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
