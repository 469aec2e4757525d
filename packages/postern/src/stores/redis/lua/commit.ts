import { BLOCKS } from './blocks.ts'
import { CLAIM } from './claim.ts'
import { DELIVERIES } from './deliveries.ts'
import { LANES } from './lanes.ts'
import { OPERATE } from './operate.ts'
import { PUT } from './put.ts'
import { ROWS, SETTINGS } from './rows.ts'
import { SETTLE } from './settle.ts'
import { SIDE_PORTS } from './side-ports.ts'

/** The end of a commit: everything that was gathered is written, and whoever waits elsewhere is told. */
const END = String.raw`
local function flushExpiries()
  for windowMs, list in pairs(expiries) do
    many('RPUSH', S .. 'expiry:' .. string.format('%d', windowMs), list)
    R('SADD', S .. 'windows', string.format('%d', windowMs))
  end
end

local function flushRows()
  for seq, row in pairs(dirty) do write(seq, -seq, cmsgpack.pack(row)) end
  for key, values in pairs(writes) do many('HSET', key, values) end
  local packedLanes = {}
  for id, lane in pairs(dirtyLanes) do
    packedLanes[#packedLanes + 1] = id
    packedLanes[#packedLanes + 1] = cmsgpack.pack(lane)
  end
  if #packedLanes > 0 then many('HSET', S .. 'lanes', packedLanes) end
end

local function flushPassed()
  for event in pairs(passed) do
    local blob = eventBlob(event)
    if blob then
      local received, made = string.match(blob, HEAD)
      if isFinished(deliveriesOf(event, tonumber(made))) then place('finished', '', event, tonumber(received)) end
    end
  end
end

-- A user may have no right to the channel, as Redis 7 makes users by default. All is written by then, and polls find the work.
local function announce()
  local dests = {}
  for dest in pairs(woken) do dests[#dests + 1] = dest end
  if #dests > 0 then redis.pcall('PUBLISH', ARGV[8], CALLER .. '\n' .. table.concat(dests, '\n')) end
  return dests
end

local VERBS = {
  put = put, claim = claim, settle = settle, extend = extend, move = move, replay = replay, prune = prune,
  record = record, remain = remain, sweep = sweepState, enrol = enrol,
}

-- A call that a client sends a second time, after a connection broke, is refused: it may have been carried out.
local callerKey = S .. 'caller:' .. CALLER
if tonumber(R('GET', callerKey) or 0) >= CALL then
  return redis.error_reply('SENTTWICE this call was carried out before')
end

-- With its memory full Redis refuses a script's first write, but none after one that needs no memory. What ends work or makes
-- room must not be held up by that.
if ARGV[10] == 'full' then R('DEL', S .. 'room') end

local results, hasWritten = {}, false
for index, op in ipairs(cmsgpack.unpack(ARGV[9])) do
  results[index] = VERBS[op[1]](op)
  hasWritten = hasWritten or op[1] ~= 'claim'
end

flushExpiries()
flushPassed()
flushRows()
flushQueues()
counts['events'] = eventsMade
for field, by in pairs(counts) do
  if by ~= 0 then R('HINCRBY', S .. 'counts', field, by) end
end
if lastSeq and lastSeq ~= firstLast then R('SET', S .. 'seq', string.format('%d', lastSeq)) end
-- A claim that found nothing writes nothing: it costs no fsync.
if hasWritten or next(dirty) then R('SET', callerKey, CALL, 'PX', 86400000) end
return cmsgpack.pack({ now, results, announce(), lastSeq or 0 })
`

/** The script of a commit: any number of operations, one call, one fsync. */
export const COMMIT: string = [
  SETTINGS,
  BLOCKS,
  ROWS,
  LANES,
  DELIVERIES,
  PUT,
  CLAIM,
  SETTLE,
  OPERATE,
  SIDE_PORTS,
  END,
].join('')
