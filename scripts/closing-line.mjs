// Prints the last test run's counts as one plain line, for CI: `N passed, N failed, N skipped`.
import { readFileSync } from 'node:fs'

const results = JSON.parse(readFileSync('test-results/results.json', 'utf8'))
const skipped = results.numPendingTests + results.numTodoTests
// A file that could not be loaded has no tests to fail.
const brokenFiles = results.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
)
console.log(
  `${results.numPassedTests} passed, ${results.numFailedTests + brokenFiles.length} failed, ${skipped} skipped`,
)
