import type { ResolvedNotification } from './notify-options.ts'

/** Shorter parts of a path are words, such as `services`, and no keys. */
const SHORTEST_KEY_CHARS = 8

/** What a notification knows and nobody is to read: its key, and whatever stands in its URL behind the host. */
export class Secrets {
  readonly #texts: readonly string[]

  constructor({ url, routingKey, secret, headers = {}, notify }: ResolvedNotification) {
    const { pathname, search } = new URL(url)
    // PagerDuty's URL is the same for everybody.
    const inUrl =
      notify === 'pagerduty'
        ? []
        : [url, pathname + search, pathname, ...pathname.split('/'), search.slice(1)]
    this.#texts = [...inUrl, routingKey ?? '', secret ?? '', ...Object.values(headers)]
      .filter((text) => text.length >= SHORTEST_KEY_CHARS)
      .toSorted((one, other) => other.length - one.length)
  }

  removedFrom(text: string): string {
    return this.#texts.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
  }
}
