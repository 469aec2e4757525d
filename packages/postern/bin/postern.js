#!/usr/bin/env node
// The command is in a package of its own, since it has dependencies and this one has none. Found from the working
// directory first: the version that a project has chosen, however this file was started.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const places = [pathToFileURL(join(process.cwd(), 'package.json')), import.meta.url]

function resolveFrom(specifier) {
  for (const place of places) {
    try {
      return createRequire(place).resolve(specifier)
    } catch {
      // Not there; perhaps at the next place.
    }
  }
  return undefined
}

const cli = resolveFrom('@postern/gateway/cli')
if (cli !== undefined && existsSync(cli)) {
  const { main } = await import(pathToFileURL(cli).href)
  await main()
} else {
  const isInstalled = resolveFrom('@postern/gateway/package.json') !== undefined
  console.error(
    isInstalled
      ? 'postern is not built yet. In the repository run: npm install (or npm run build)'
      : 'The postern command is in a package of its own. To get it, run: npm install @postern/gateway',
  )
  process.exitCode = 1
}
