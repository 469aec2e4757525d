import { defineConfig } from 'vitest/config'

/** Core's own tests and no others, without the servers of the whole suite. */
export default defineConfig({
  test: {
    include: ['packages/postern/src/core/**/*.test.ts'],
    // They take seconds each, which every mutant that survives would take again: what they alone would kill counts as alive.
    exclude: [
      '**/{properties,wycheproof,certificate-method,message-signature-method,structured-field,explain*}.test.ts',
    ],
    testTimeout: 30_000,
    maxWorkers: 1,
  },
})
