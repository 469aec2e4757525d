/**
 * Lanes: the deliveries of one ordering key at one destination, in line. The lowest number runs first, and none while
 * another runs. Only the head of a lane stands in its destination's queue, so that claim never looks at the line behind it.
 */
export const LANES: string = String.raw`
local ON_DEAD, HEAD_SEQ, RUNNING, LAST, DEAD_COUNT, BLOCKED = 1, 2, 3, 4, 5, 6
local lanes, dirtyLanes = {}, {}

local function laneOf(id)
  local lane = lanes[id]
  if lane == nil then
    local packed = R('HGET', S .. 'lanes', id)
    lane = packed and cmsgpack.unpack(packed)
    lanes[id] = lane
  end
  return lane
end

-- A replay is no news of what the source asks for.
local function laneFor(id, onDead, isNew)
  local lane = laneOf(id)
  if not lane then
    lane = { onDead, 0, 0, 0, 0, false }
    lanes[id] = lane
  elseif isNew then
    lane[ON_DEAD] = onDead
  end
  dirtyLanes[id] = lane
end

local function firstInLine(id)
  return tonumber(R('ZRANGE', S .. 'line:' .. id, 0, 0)[1] or 0)
end

local function hasOvertaken(row, seq)
  return row[LANE] ~= '' and laneOf(row[LANE])[LAST] > seq
end

-- Whether a delivery could run now: nothing runs, nothing earlier waits.
local function isTurnOf(row, seq)
  if row[LANE] == '' then return true end
  local lane = laneOf(row[LANE])
  if row[STATE] == LEASED then return lane[HEAD_SEQ] == seq end
  if row[STATE] == DEAD and lane[LAST] > seq then return false end
  local first = firstInLine(row[LANE])
  return lane[RUNNING] == 0 and (first == 0 or first >= seq)
end

local function chooseHead(id, lane, dest)
  local head, before = lane[RUNNING], lane[HEAD_SEQ]
  if head == 0 then head = firstInLine(id) end
  lane[HEAD_SEQ] = head
  if before ~= 0 and before ~= head then place('pending:', dest, before, false) end
  local row = head ~= 0 and load(head)
  if row then place('pending:', dest, head, row[STATE] == PENDING and row[DUE]) end
  local isBlocked = row and row[STATE] == DEAD or false
  if isBlocked ~= lane[BLOCKED] then
    R(isBlocked and 'SADD' or 'SREM', S .. 'blocked:' .. dest, id)
    lane[BLOCKED] = isBlocked
  end
end

-- Takes note of a delivery's new state.
local function standInLane(seq, row, was)
  local id, state, dest = row[LANE], row[STATE], row[DEST]
  local lane = laneOf(id)
  dirtyLanes[id] = lane
  if was == DEAD and state ~= DEAD then lane[DEAD_COUNT] = lane[DEAD_COUNT] - 1 end
  if was ~= DEAD and state == DEAD then lane[DEAD_COUNT] = lane[DEAD_COUNT] + 1 end
  if state == LEASED then
    lane[RUNNING] = seq
    lane[LAST] = math.max(lane[LAST], seq)
  elseif lane[RUNNING] == seq then
    lane[RUNNING] = 0
  end
  if state == PENDING or state == LEASED or row[BLOCKS] then
    R('ZADD', S .. 'line:' .. id, seq, seq)
  else
    R('ZREM', S .. 'line:' .. id, seq)
  end
  local isBehind = was == nil and lane[HEAD_SEQ] ~= 0 and lane[HEAD_SEQ] < seq
  if not isBehind then chooseHead(id, lane, dest) end
end

local function isIdle(lane)
  return lane[HEAD_SEQ] == 0 and lane[DEAD_COUNT] == 0
end
`
