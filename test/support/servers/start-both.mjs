// Starts a server of each kind, says where, and lives on until it is killed.
import { startPostgres, startRedis } from './for-scripts.mjs'

const started = await Promise.all([startPostgres(), startRedis()])
console.log(JSON.stringify(started.map(({ folder, port }) => ({ folder, port }))))
setInterval(() => {}, 60_000)
