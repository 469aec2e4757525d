#!/usr/bin/env node
// Committed as it is: npm links a bin when it installs, which is before `prepare` builds what it imports.
import { existsSync } from 'node:fs'

const built = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(built)) {
  const { main } = await import(built.href)
  await main()
} else {
  console.error('postern is not built yet. In the repository run: npm install (or npm run build)')
  process.exitCode = 1
}
