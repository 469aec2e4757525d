// A Redis server for one run: the one on the PATH, or Debian's package where apt can install it.
import { spawn, spawnSync } from 'node:child_process'
import { freePort } from './free-port.mjs'

/** Every write is on the disk before it is answered, as Postern's store demands it. */
export const SYNCED = [
  ...['--appendonly', 'yes', '--appendfsync', 'always', '--no-appendfsync-on-rewrite', 'no'],
  ...['--aof-load-truncated', 'no', '--maxmemory-policy', 'noeviction', '--save', ''],
]

/** @param durability Settings beside the package's own, which do not wait for the disk. */
export async function startRedis(folder, durability = []) {
  if (!isInstalled() && process.getuid?.() === 0) {
    console.log('redis-server is not installed; installing the Debian package')
    spawnSync('apt-get', ['update', '-q'], { stdio: 'ignore' })
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'redis-server'], {
      stdio: 'ignore',
    })
  }
  if (!isInstalled())
    throw new Error('redis-server is needed for the comparison: install it and run this again')
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...durability]
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const line of server.stdout) if (String(line).includes('Ready to accept')) break
  server.stdout.resume()
  // SIGTERM would save to the folder, which is gone by then, and a server that cannot save does not end.
  return { port, url: `redis://127.0.0.1:${port}`, stop: () => server.kill('SIGKILL') }
}

function isInstalled() {
  return spawnSync('redis-server', ['--version']).status === 0
}
