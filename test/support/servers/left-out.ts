/** What `POSTERN_TEST_WITHOUT=postgres,redis` leaves out. */
export type TestedServer = 'postgres' | 'redis'

const SERVERS: readonly TestedServer[] = ['postgres', 'redis']

/** The servers that this run does without, because somebody said so. Throws on a name that is none of them. */
export function leftOut(env: NodeJS.ProcessEnv = process.env): readonly TestedServer[] {
  const names = (env['POSTERN_TEST_WITHOUT'] ?? '').split(',').map((name) => name.trim())
  return names.filter(Boolean).map((name) => {
    const server = SERVERS.find((each) => each === name)
    if (server === undefined)
      throw new Error(`POSTERN_TEST_WITHOUT: there is no '${name}'; there are ${SERVERS.join(', ')}`)
    return server
  })
}
