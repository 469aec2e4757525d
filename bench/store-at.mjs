/** Opens the store at a place: a folder for the embedded one, a server's URL for the others. */
export async function storeAt(place) {
  if (/^postgres(ql)?:/.test(place)) {
    const [{ default: pg }, { postgres }] = await Promise.all([import('pg'), import('postern/postgres')])
    return postgres(new pg.Pool({ connectionString: place }))
  }
  if (place.startsWith('redis:')) {
    const [{ Redis }, { redis }] = await Promise.all([import('ioredis'), import('postern/redis')])
    return redis(new Redis(place))
  }
  const { sqlite } = await import('postern/sqlite')
  return sqlite(`${place}/postern.db`)
}
