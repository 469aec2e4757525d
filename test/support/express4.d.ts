/** Express 4 under a name of its own. What the tests use of it has the same types as in Express 5. */
declare module 'express4' {
  import express from 'express'

  export default express
}
