/** More than any provider sends; beyond it a sender is spending our time. */
const MAX_FIELDS = 1000

/**
 * Names and values of a form (`application/x-www-form-urlencoded`) one after another, sorted by name; of a name that
 * comes more than once, its values sorted and each once. `undefined` where the body is none, or has over 1000 fields.
 */
export function sortedForm(body: Uint8Array): string | undefined {
  const fields = fieldsOf(body)
  // As ECMAScript sorts, by UTF-16 units: so does the official library.
  return (
    fields &&
    [...fields.keys()]
      .toSorted()
      .flatMap((name) => [...new Set(fields.get(name))].toSorted().map((value) => name + value))
      .join('')
  )
}

/** The fields of a form as the members of an object; the values of a name that comes more than once as an array. */
export function parseForm(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const fields = fieldsOf(body)
  return (
    fields &&
    Object.fromEntries([...fields].map(([name, values]) => [name, values.length > 1 ? values : values[0]]))
  )
}

/** The values of each name. */
function fieldsOf(body: Uint8Array): ReadonlyMap<string, readonly string[]> | undefined {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
  // Everything else is escaped in a form.
  if (!/^[\x21-\x7e]*$/.test(text) || text.split('&', MAX_FIELDS + 1).length > MAX_FIELDS) return undefined
  try {
    // Throws where escaped bytes are no UTF-8: each would become U+FFFD, and two bodies would share a signature.
    decodeURIComponent(text)
  } catch {
    return undefined
  }
  const fields = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(text)) {
    const values = fields.get(name)
    if (values === undefined) fields.set(name, [value])
    else values.push(value)
  }
  return fields
}
