/** The log of refused requests and the small state. */
export const SIDE_PORTS: string = String.raw`
local function record(op)
  local key, budget, most, texts, body = op[2], op[3], op[4], op[5], op[6]
  if R('HEXISTS', S .. 'rejected', key) == 0 then
    local number = R('INCR', S .. 'rejected:number')
    R('HSET', S .. 'rejected', key, cmsgpack.pack({ now, texts, body }))
    R('ZADD', S .. 'rejected:' .. budget, number, key)
  end
  R('HINCRBY', S .. 'rejected:copies', key, 1)
  while R('ZCARD', S .. 'rejected:' .. budget) > most do
    local oldest = R('ZPOPMIN', S .. 'rejected:' .. budget)[1]
    R('HDEL', S .. 'rejected', oldest)
    R('HDEL', S .. 'rejected:copies', oldest)
  end
  return true
end

-- Each value stands behind the time when it is forgotten; 0 for never.
local function remain(op)
  local key, value, forMs = op[2], op[3], op[4]
  if not value then
    R('HDEL', S .. 'state', key)
  else
    R('HSET', S .. 'state', key, string.format('%d ', forMs and now + forMs or 0) .. value)
  end
  return true
end

local function sweepState()
  local all = R('HGETALL', S .. 'state')
  for index = 1, #all, 2 do
    local untilMs = tonumber(string.match(all[index + 1], '^%d+'))
    if untilMs > 0 and untilMs <= now then R('HDEL', S .. 'state', all[index]) end
  end
  return true
end

-- In a cluster: the number that a source's own numbers end with.
local function enrol(op)
  local index = R('HGET', S .. 'sources', op[2])
  if index then return tonumber(index) end
  index = R('HLEN', S .. 'sources') + 1
  if index > op[3] then return false end
  R('HSET', S .. 'sources', op[2], index)
  return index
end
`
