// Talks to bench/run.mjs: says where it listens, and answers what a round has cost.
export function report({ port, backlog = async () => 0, handled = () => 0 }) {
  process.on('message', async (message) => {
    if (message === 'usage') {
      const { user, system } = process.cpuUsage()
      process.send({
        cpuMs: (user + system) / 1000,
        rssMb: Math.round(process.memoryUsage.rss() / 1e6),
        backlog: await backlog(),
        handled: handled(),
      })
    }
    if (message === 'stop') process.exit(0)
  })
  process.send({ port })
}
