import { fileURLToPath } from 'node:url'
import { PosternError } from '../../core/index.ts'

/**
 * The path of a store's file. Refuses what SQLite, or whoever makes the file before it, would take for something else. It is not
 * shown: in its place may stand a URL with a password.
 */
export function filePathOf(given: string | URL): string {
  const path: unknown = given instanceof URL ? pathOfUrl(given) : given
  if (typeof path !== 'string') throw unsound(`got ${path === null ? 'null' : typeof path}`)
  if (path === '') throw unsound('got an empty text')
  if (path.includes('\0')) throw unsound('got one with a NUL in it')
  if (path === ':memory:') throw unsound("got ':memory:'; a store in memory is memory(), of postern/memory")
  // SQLite would read it as a URI, and a folder called `file:` would be made.
  if (/^file:/i.test(path)) throw unsound('got a URL as a text; give new URL(…), or its path')
  return path
}

function pathOfUrl(url: URL): string {
  if (url.protocol !== 'file:') throw unsound('got another URL')
  try {
    return fileURLToPath(url)
  } catch {
    // As with a host in it.
    throw unsound('got a file: URL of no file on this machine')
  }
}

function unsound(problem: string): PosternError {
  return new PosternError(
    'bad_config',
    `sqlite must be given the path of a file, or its file: URL: ${problem}`,
  )
}
