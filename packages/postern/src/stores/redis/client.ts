import { PosternError } from '../../core/index.ts'
import { openIoredis, openIoredisCluster, type IoredisClient, type IoredisCluster } from './ioredis-link.ts'
import type { Link } from './link.ts'
import {
  openNodeRedis,
  openNodeRedisCluster,
  type NodeRedisClient,
  type NodeRedisCluster,
} from './node-redis-link.ts'

/** A client of `ioredis` or of `redis`, of one server or of a cluster. */
export type RedisClient = IoredisClient | IoredisCluster | NodeRedisClient | NodeRedisCluster

/**
 * How connections like a client's are opened. Throws `PosternError` where the client is none of the four, or does not fit
 * `isCluster`.
 */
export function openerOf(client: RedisClient, isCluster: boolean): () => Promise<Link> {
  const isOfCluster = 'isCluster' in client ? client.isCluster : 'masters' in client
  if (isOfCluster !== isCluster) {
    throw new PosternError(
      'bad_config',
      isCluster
        ? 'cluster: true needs a client that knows the cluster: new Cluster(…) of ioredis, createCluster(…) of redis'
        : 'This client knows a cluster: say cluster: true',
    )
  }
  if (isIoredisCluster(client)) return () => openIoredisCluster(client)
  if (isNodeRedisCluster(client)) return () => openNodeRedisCluster(client)
  if ('callBuffer' in client) return () => openIoredis(client)
  if ('sendCommand' in client) return () => openNodeRedis(client)
  throw new PosternError('bad_config', 'The Redis store takes a client of ioredis or of redis')
}

function isIoredisCluster(client: RedisClient): client is IoredisCluster {
  return 'isCluster' in client && client.isCluster
}

function isNodeRedisCluster(client: RedisClient): client is NodeRedisCluster {
  return 'masters' in client
}
