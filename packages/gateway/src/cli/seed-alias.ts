/**
 * The form that the vendors' guides have, `vastai webhooks trigger resource.created --url …`, written after our own
 * name: the same as `trigger vastai resource.created --url …`.
 */
export function fromSeedForm(args: readonly string[]): readonly string[] {
  const [source, noun, verb, ...rest] = args
  return source !== undefined && noun === 'webhooks' && verb === 'trigger'
    ? ['trigger', source, ...rest]
    : args
}
