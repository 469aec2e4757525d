import { defineConfig } from 'vitest/config'

/** Core's own tests and no others, without the servers of the whole suite. */
export default defineConfig({
  test: {
    include: ['packages/postern/src/core/**/*.test.ts'],
    testTimeout: 30_000,
    maxWorkers: 1,
  },
})
