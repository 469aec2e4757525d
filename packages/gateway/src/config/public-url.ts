import { problem, type Checked } from './problem.ts'

/** Reads the URL under which senders know this gateway; a slash at its end is taken off. Never repeated in a message. */
export function parsePublicUrl(text: string, name: string): Checked<string> {
  const url = text.trim().replace(/\/$/, '')
  const isUrl = /^https?:\/\/[^/?#@\s\\]+(\/[^/?#\s\\]+)*$/.test(url) && URL.canParse(url)
  return isUrl
    ? { ok: true, value: url }
    : problem(
        name,
        'is not of the form https://HOST, https://HOST:PORT or https://HOST/PATH, without user, query or fragment; the source’s path comes after it',
      )
}
