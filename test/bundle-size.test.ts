/** What verifying one provider costs an app, bundled by esbuild from the built package. */
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import * as catalogue from 'postern/providers'
import { beforeAll, describe, expect, test } from 'vitest'

const CEILING_BYTES = 8 * 1024
/**
 * `custom` may be handed any scheme that needs no key to be fetched, and brings all of what those need along: ten ways to
 * authenticate, and what tells whether a scheme is sound.
 */
const CUSTOM_CEILING_BYTES = 11 * 1024
const exported = Object.entries(catalogue)
  .filter(([, value]) => typeof value === 'function')
  .map(([name]) => name)
const factories = exported.filter((name) => name !== 'custom')

let bundles: ReadonlyMap<string, Uint8Array>

beforeAll(async () => {
  bundles = await bundled(exported)
})

describe('verifying one provider', () => {
  test('is looked at for every factory', () => {
    expect(factories.length).toBe(catalogue.providers.length)
    expect([...bundles.keys()].toSorted()).toEqual(exported.toSorted())
  })

  test.each(factories)(`costs at most ${CEILING_BYTES} bytes gzipped: %s`, (name) => {
    const code = bundles.get(name)!
    expect(code.byteLength).toBeGreaterThan(5000)
    expect(gzipSync(code).byteLength).toBeLessThanOrEqual(CEILING_BYTES)
    // Nothing is loaded later: that would only move bytes.
    expect(Buffer.from(code).toString()).not.toMatch(/\bimport\(/)
  })

  test('costs little more where the scheme is one of your own', () => {
    expect(gzipSync(bundles.get('custom')!).byteLength).toBeLessThanOrEqual(CUSTOM_CEILING_BYTES)
  })

  test('brings no other provider and no sample along', () => {
    const text = Buffer.from(bundles.get('stripe')!).toString()
    expect(text).toContain('stripe-signature')
    expect(text).not.toMatch(
      /x-hub-signature|svix-id|payment_intent|createPublicKey|\[redacted\]|X509Certificate|AbortSignal/,
    )
  })
})

/** An app for each factory, that verifies with it and does nothing else; in one build, which reads each file once. */
async function bundled(names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: names.map((name) => ({ in: `app:${name}`, out: name })),
    outdir: 'apps',
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    plugins: [
      {
        name: 'apps',
        setup: ({ onResolve, onLoad }) => {
          onResolve({ filter: /^app:/ }, ({ path }) => ({ path, namespace: 'apps' }))
          onLoad({ filter: /^app:/, namespace: 'apps' }, ({ path }) => ({
            contents: appOf(path.slice('app:'.length)),
            resolveDir: process.cwd(),
          }))
        },
      },
    ],
  })
  return new Map(
    outputFiles.map(({ path, contents }) => [/([^/\\]+)\.js$/.exec(path)?.[1] ?? path, contents]),
  )
}

function appOf(name: string): string {
  return `import { verify } from 'postern'
    import { ${name} } from 'postern/providers'
    export const check = (request) => verify(request, ${name}({ secret: process.env.SECRET }))`
}
