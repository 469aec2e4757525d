/** What a call is given. */
export const SETTINGS: string = String.raw`
local S, CALLER, CALL, CLOCK = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local STEP, INDEX, SEEN = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local R = redis.call
`

/**
 * What a commit begins with: its clock, its numbers, and the deliveries it has touched. Rows are read once, changed in
 * tables, and written back together at the end, so that a commit of hundreds of events costs the server some ten commands.
 */
export const ROWS: string = String.raw`
local now = tonumber(string.sub(CLOCK, 2))
if string.sub(CLOCK, 1, 1) == '+' then
  local time = R('TIME')
  now = now + time[1] * 1000 + math.floor(time[2] / 1000)
end

-- unpack ends near 8,000 values.
local function many(command, key, values)
  for from = 1, #values, 4000 do
    R(command, key, unpack(values, from, math.min(from + 3999, #values)))
  end
end

-- What is written into blocks at the end; how much the number of events changes.
local writes, eventsMade = {}, 0
local function write(seq, field, value)
  local values = listOf(writes, seq)
  local size = #values
  values[size + 1], values[size + 2] = field, value
end

-- Equal scores are sorted by their members' bytes: numbers of one width sort as numbers do.
local function member(seq)
  return string.format('%015d', seq)
end

local lastSeq, firstLast
local function numbers(count)
  if not lastSeq then
    firstLast = tonumber(R('GET', S .. 'seq') or INDEX)
    lastSeq = firstLast
    if lastSeq < SEEN then lastSeq = SEEN - (SEEN - INDEX) % STEP end
  end
  local first = lastSeq + STEP
  lastSeq = lastSeq + count * STEP
  return first
end

local EVENT, DEST, STATE, TOKEN, ATTEMPT, DUE, LEASE, MADE, LANE, BLOCKS, AGED, ERROR, TRIES =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
local PENDING, LEASED, SUCCEEDED, DEAD, CANCELLED = 1, 2, 3, 4, 5
local COUNTED = { 'pending:', 'leased:', false, 'dead:', false }

local rows, dirty = {}, {}

local function load(seq)
  local row = rows[seq]
  if row == nil then
    local packed = R('HGET', blockOf(seq), -seq)
    row = packed and cmsgpack.unpack(packed)
    rows[seq] = row
  end
  return row
end

local function preload(seqs)
  local wanted = {}
  for _, seq in ipairs(seqs) do
    if rows[seq] == nil then wanted[#wanted + 1] = seq end
  end
  for at, packed in ipairs(valuesAt(wanted, -1)) do rows[wanted[at]] = packed and cmsgpack.unpack(packed) end
end

local newEvents, newBodies = {}, {}
local function eventBlob(event)
  return newEvents[event] or R('HGET', blockOf(event), event)
end

local function bodyApart(event)
  return newBodies[event] or R('HGET', blockOf(event), bodyField(event))
end

-- Received, deliveries made at the put, conflicting event, length of the body, whether that is kept apart, policy, lane,
-- length of the texts, and where they begin.
local HEAD = '^(%d+) (%d+) (%d+) (%d+) (%d) (%S) (%S+) (%d+) ()'

local function deliveriesOf(event, count)
  local seqs = {}
  for place = 0, count - 1 do seqs[#seqs + 1] = event + place * STEP end
  local replayed = R('HGET', blockOf(event), replaysField(event))
  if replayed then
    for seq in string.gmatch(replayed, '%d+') do seqs[#seqs + 1] = tonumber(seq) end
  end
  return seqs
end

local counts = {}
local function count(state, dest, by)
  local name = COUNTED[state]
  if name then counts[name .. dest] = (counts[name .. dest] or 0) + by end
end

-- What stands in which sorted set afterwards, and with which score; false where it leaves.
local queues, hasQueued, woken = {}, false, {}
local function place(kind, dest, seq, score)
  local key = kind .. dest
  local queue = queues[key]
  if not queue then
    queue = {}
    queues[key] = queue
  end
  queue[seq] = score
  hasQueued = true
end

local function flushQueues()
  if not hasQueued then return end
  for key, queue in pairs(queues) do
    local added, removed = {}, {}
    for seq, score in pairs(queue) do
      if score then
        added[#added + 1] = score
        added[#added + 1] = member(seq)
      else
        removed[#removed + 1] = member(seq)
      end
    end
    if #removed > 0 then many('ZREM', S .. key, removed) end
    if #added > 0 then
      many('ZADD', S .. key, added)
      local dest = string.match(key, '^pending:(.*)$')
      if dest then woken[dest] = true end
    end
  end
  queues, hasQueued = {}, false
end

-- Events that prune has walked past, and that may be finished now.
local floor, passed = nil, {}
local function notePassed(event)
  floor = floor or tonumber(R('GET', S .. 'floor') or 0)
  if event <= floor then passed[event] = true end
end
`
