import { readFile, rm } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import type { PlantedBug } from './planted-bugs.ts'
import type * as Targets from './targets.ts'

const CORE = resolve('packages/postern/src/core')
let copies = 0

/** The targets over a copy of the parsers that has a bug. */
export async function targetsWith(bug: PlantedBug): Promise<typeof Targets> {
  copies += 1
  const outfile = resolve(`node_modules/.fuzz-${process.pid}-${copies}.tmp.mjs`)
  await build({
    entryPoints: ['test/fuzz/targets.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
    plugins: [planting(bug)],
  })
  try {
    return (await import(pathToFileURL(outfile).href)) as typeof Targets
  } finally {
    await rm(outfile)
  }
}

function planting({ file, find, replace }: PlantedBug): Plugin {
  return {
    name: 'planting',
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path !== resolve(CORE, file)) return undefined
        const source = await readFile(path, 'utf8')
        const [before, after, ...more] = source.split(find)
        if (before === undefined || after === undefined || more.length > 0)
          throw new Error(`${basename(path)} does not have once: ${find}`)
        return { contents: before + replace + after, loader: 'ts' }
      })
    },
  }
}
