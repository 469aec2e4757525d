import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Product } from './image.ts'

/** A change to one file of the inbox, below `packages/postern/src/`. */
export interface Edit {
  readonly file: string
  /** Stands there exactly once. */
  readonly find: string
  readonly replace: string
}

const SOURCES = fileURLToPath(new URL('../../packages/postern/src/', import.meta.url))

/** The product with edits to its text, as a module of its own. Throws where an edit no longer fits. */
export async function patchedProduct(edits: readonly Edit[]): Promise<Product> {
  const used = new Set<Edit>()
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('product.ts', import.meta.url))],
    bundle: true,
    write: false,
    logLevel: 'silent',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    plugins: [
      {
        name: 'edits',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            const own = edits.filter(({ file }) => path === SOURCES + file)
            for (const edit of own) used.add(edit)
            return { contents: own.reduce(edited, await readFile(path, 'utf8')), loader: 'ts' }
          })
        },
      },
    ],
  })
  const unused = edits.filter((edit) => !used.has(edit))
  if (unused.length > 0) throw new Error(`no such file: ${unused.map(({ file }) => file).join()}`)
  const [bundle] = outputFiles
  const url = `data:text/javascript;base64,${Buffer.from(bundle?.contents ?? []).toString('base64')}`
  // A bundle of the product has the product's exports.
  return (await import(/* @vite-ignore */ url)) as Product
}

function edited(text: string, { file, find, replace }: Edit): string {
  const count = text.split(find).length - 1
  if (count !== 1) throw new Error(`${file} has ${count} times: ${find}`)
  return text.replace(find, () => replace)
}
