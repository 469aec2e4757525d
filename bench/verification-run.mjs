// One size of one form of signature, in a process of its own. Prints one line of JSON.
//
//   node verification-run.mjs <bytes> <index of the form> <rounds>
import { measureForm } from './parts/verification.mjs'

console.log(JSON.stringify(await measureForm(...process.argv.slice(2).map(Number))))
