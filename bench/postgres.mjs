// A PostgreSQL server for one run, with the settings it comes with: what is committed is on the disk.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from './free-port.mjs'

const DEBIAN = '/usr/lib/postgresql'

export async function startPostgres(folder) {
  const bin = binaries()
  const port = await freePort()
  const data = join(folder, 'postgres')
  mkdirSync(data)
  const user = unprivileged()
  chmodSync(data, 0o700)
  if (user) chownSync(data, user.uid, user.gid)
  run(bin, 'initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'], user)
  const args = ['-D', data, '-p', String(port), '-k', '', '-c', 'listen_addresses=127.0.0.1']
  const server = spawn(join(bin, 'postgres'), args, { ...user, stdio: 'ignore' })
  const url = (name) => `postgres://postgres@127.0.0.1:${port}/${name}`
  await answering(url('postgres'))
  return {
    /** A database of its own. */
    create: async (name) => {
      await query(url('postgres'), `CREATE DATABASE ${name}`)
      return url(name)
    },
    drop: (name) => query(url('postgres'), `DROP DATABASE ${name} WITH (FORCE)`),
    stop: () => server.kill('SIGQUIT'),
  }
}

function binaries() {
  if (spawnSync('postgres', ['--version']).status === 0 && spawnSync('initdb', ['--version']).status === 0)
    return ''
  const newest = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a))[0] : ''
  if (!newest) throw new Error('postgres is needed for the comparison: install it and run this again')
  return join(DEBIAN, newest, 'bin')
}

/** PostgreSQL refuses to run as root. */
function unprivileged() {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function run(bin, command, args, user) {
  execFileSync(join(bin, command), args, { ...user, stdio: 'ignore' })
}

async function answering(url) {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await query(url, 'SELECT 1').catch(() => false)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('PostgreSQL did not start')
}

async function query(connectionString, text) {
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}
