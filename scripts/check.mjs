// `npm run check`: what is not a test. Format, lint, unused code, and the packages as npm would publish them.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const PACKAGES = ['packages/postern', 'packages/gateway']
const problems = []

step('format', 'oxfmt', '--check')
step('lint', 'oxlint', '--type-aware', '--deny-warnings')
step('unused code', 'knip')
for (const folder of PACKAGES) step(`publint ${folder}`, 'publint', folder, '--strict')
packed()

if (problems.length > 0) {
  console.error(`\n${problems.length} of the checks failed: ${problems.join(', ')}`)
  process.exit(1)
}

function step(name, command, ...args) {
  console.log(`check: ${name}`)
  const { status } = spawnSync(resolve('node_modules/.bin', command), args, { stdio: 'inherit' })
  if (status !== 0) problems.push(name)
}

/** Packs both packages, installs them in an empty folder, looks at their types, and imports every entry from there. */
function packed() {
  const folder = mkdtempSync(join(tmpdir(), 'postern-packed-'))
  try {
    for (const each of PACKAGES)
      execFileSync('npm', ['pack', '--pack-destination', folder, '--ignore-scripts'], {
        cwd: each,
        stdio: 'ignore',
      })
    const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
    for (const name of tarballs)
      step(
        `types of ${name}`,
        'attw',
        join(folder, name),
        '--profile',
        'esm-only',
        '--format',
        'table-flipped',
        '--no-emoji',
      )
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}')
    execFileSync(
      'npm',
      ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs.map((name) => `./${name}`)],
      { cwd: folder, stdio: 'ignore' },
    )
    importEverything(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function importEverything(folder) {
  console.log('check: every entry of the packed packages can be imported')
  const entries = PACKAGES.flatMap((each) => {
    const { name, exports } = JSON.parse(readFileSync(join(each, 'package.json'), 'utf8'))
    return Object.keys(exports)
      .filter((path) => !path.endsWith('.json') && !path.endsWith('/cli'))
      .map((path) => name + path.slice(1))
  })
  const program = entries.map((entry) => `await import('${entry}')`).join('\n')
  writeFileSync(join(folder, 'import.mjs'), program)
  const { status } = spawnSync(process.execPath, ['import.mjs'], { cwd: folder, stdio: 'inherit' })
  const command = spawnSync(process.execPath, ['node_modules/.bin/postern', '--version'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0 || command.status !== 0) problems.push('the packed packages')
}
