import { isLoopback } from '../config/address.ts'
import { escapeUnprintable } from '../observe/escape.ts'
import { UsageError } from './usage-error.ts'

const SOURCE_NAME = /^[a-z0-9_-]{1,64}$/

/** Where a vendor is to send to: refused where none could. The URL as it is registered, and the source that its path names. */
export function webhookUrl(
  text: string,
  longest: number,
  source: string | undefined,
): { readonly url: string; readonly source: string } {
  const shown = escapeUnprintable(text)
  if (!URL.canParse(text)) throw new UsageError(`--url is no URL: ${shown}`)
  const url = new URL(text)
  if (url.protocol !== 'https:') throw new UsageError(`--url must be https: ${shown}`)
  if (url.username !== '' || url.password !== '')
    throw new UsageError('--url must not have a name or password in it')
  if (url.hash !== '') throw new UsageError(`--url must not have a #fragment, which is never sent: ${shown}`)
  if (isLoopback(url.hostname) || url.hostname === '[::1]') {
    throw new UsageError(
      `--url names this machine (${shown}), which no vendor can reach; give the public URL of a tunnel or proxy to it`,
    )
  }
  if (url.href.length > longest) throw new UsageError(`--url is longer than ${longest} characters`)
  return { url: url.href, source: sourceOf(url, source) }
}

function sourceOf({ pathname }: URL, given: string | undefined): string {
  const name = given ?? pathname.split('/').at(-1) ?? ''
  if (SOURCE_NAME.test(name)) return name
  throw new UsageError(
    `Which source of the gateway is at ${escapeUnprintable(pathname)}? Its name is the last part of the path, such as /webhooks/vastai; else say --source NAME`,
  )
}
