import { BLOCKS } from './blocks.ts'

const BEGINNING = String.raw`
local S, STEP, INDEX = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local R = redis.call
`

const VERBS = String.raw`
local HEAD = '^(%d+) (%d+) (%d+) (%d+) (%d) (%S) (%S+) (%d+) ()'

local function headOf(blob)
  local received, made, conflicts, bytes, apart, onDead, line, texts, at = string.match(blob, HEAD)
  return string.sub(blob, 1, at + tonumber(texts) - 1), tonumber(made), apart == '1'
end

local function rowOf(seq)
  local packed = R('HGET', blockOf(seq), -seq)
  return packed and cmsgpack.unpack(packed)
end

local function get(op)
  local event = op[2]
  local blob = R('HGET', blockOf(event), event)
  if not blob then return false end
  local _, made, isApart = headOf(blob)
  local deliveries = {}
  for place = 0, made - 1 do
    local seq = event + place * STEP
    deliveries[#deliveries + 1] = { seq, rowOf(seq) }
  end
  for text in string.gmatch(R('HGET', blockOf(event), replaysField(event)) or '', '%d+') do
    local seq = tonumber(text)
    deliveries[#deliveries + 1] = { seq, rowOf(seq) }
  end
  return { blob, isApart and R('HGET', blockOf(event), bodyField(event)), tonumber(R('HGET', blockOf(event), copiesField(event)) or 0), deliveries }
end

local function body(op)
  return R('HGET', blockOf(op[2]), bodyField(op[2]))
end

local function eventsAt(seqs)
  local found = {}
  for index, blob in ipairs(valuesAt(seqs, 1)) do
    if blob then found[#found + 1] = { seqs[index], headOf(blob) } end
  end
  return found
end

local function deliveriesAt(seqs)
  local found = {}
  for index, packed in ipairs(valuesAt(seqs, -1)) do
    local row = packed and cmsgpack.unpack(packed)
    local blob = row and R('HGET', blockOf(row[1]), row[1])
    if blob then found[#found + 1] = { seqs[index], row, headOf(blob) } end
  end
  return found
end

-- What a list asks for: numbers between two, neither of them included, and which come first.
local function rangeOf(op)
  return { after = op[2], before = op[3], most = op[4], isRising = op[5], isEvents = op[6] }
end

-- The first of a set that is sorted by number.
local function firstIn(key, range)
  local low, high = '(' .. string.format('%d', range.after), '(' .. string.format('%d', range.before)
  local command, from, to = 'ZREVRANGEBYSCORE', high, low
  if range.isRising then command, from, to = 'ZRANGEBYSCORE', low, high end
  local seqs = {}
  for index, text in ipairs(R(command, S .. key, from, to, 'LIMIT', 0, range.most)) do seqs[index] = tonumber(text) end
  return seqs
end

local function rowsAt(seqs, isEvents)
  return isEvents and eventsAt(seqs) or deliveriesAt(seqs)
end

local function leftOf(range)
  return firstIn(range.isEvents and 'left' or 'leftDeliveries', range)
end

local function stepDown(range, floor, top)
  local from = math.min(range.before, top) - 1
  local seq = from - (from - INDEX) % STEP
  if seq <= floor then
    local seqs = leftOf(range)
    return seqs, seqs[#seqs]
  end
  local seqs = {}
  while seq > floor and #seqs < range.most do
    seqs[#seqs + 1] = seq
    seq = seq - STEP
  end
  return seqs, seqs[#seqs]
end

local function stepUp(range, floor, top)
  if range.after < floor then
    range.before = math.min(range.before, floor + 1)
    local seqs = leftOf(range)
    return seqs, #seqs < range.most and floor or seqs[#seqs]
  end
  local seqs, seq = {}, range.after - (range.after - INDEX) % STEP + STEP
  while seq < math.min(range.before, top) and #seqs < range.most do
    seqs[#seqs + 1] = seq
    seq = seq + STEP
  end
  return seqs, seqs[#seqs]
end

-- One step along the numbers: all that stand in a stretch of them, and where to go on; 0 at the end. Below the place that
-- prune has walked to, only what it had to leave is there.
local function walk(op)
  local range = rangeOf(op)
  local top = tonumber(R('GET', S .. 'seq') or INDEX) + STEP
  local floor = math.max(tonumber(R('GET', S .. 'floor') or 0), INDEX)
  local seqs, last = (range.isRising and stepUp or stepDown)(range, floor, top)
  return { rowsAt(seqs, range.isEvents), last or 0 }
end

local function firstOf(seqs, range)
  if range.isRising then table.sort(seqs) else table.sort(seqs, function(left, right) return left > right end) end
  local first = {}
  for index = 1, math.min(range.most, #seqs) do first[index] = seqs[index] end
  local isLast = #first < range.most
  return { rowsAt(first, range.isEvents), isLast and 0 or first[#first] }
end

-- The first of some sets that are sorted by number.
local function pick(op)
  local range, keys, seqs = rangeOf(op), op[7], {}
  for _, key in ipairs(keys) do
    for _, seq in ipairs(firstIn(key, range)) do seqs[#seqs + 1] = seq end
  end
  return firstOf(seqs, range)
end

-- As pick, of sets that are sorted by time: all is looked at, so only where that is little; false where it is not.
local function gather(op)
  local range, keys, seqs, isSeen = rangeOf(op), op[7], {}, {}
  local total = 0
  for _, key in ipairs(keys) do total = total + R('ZCARD', S .. key) end
  if total > op[8] then return false end
  for _, key in ipairs(keys) do
    for _, text in ipairs(R('ZRANGE', S .. key, 0, -1)) do
      local seq = tonumber(text)
      if seq > range.after and seq < range.before and not isSeen[seq] then
        isSeen[seq] = true
        seqs[#seqs + 1] = seq
      end
    end
  end
  return firstOf(seqs, range)
end

local function stat()
  local counts, destinations = R('HGETALL', S .. 'counts'), {}
  local names = {}
  for index = 1, #counts, 2 do
    local state, dest = string.match(counts[index], '^(%a+):(.*)$')
    -- The number of events has no destination.
    if dest then
      names[dest] = names[dest] or { pending = 0, leased = 0, dead = 0 }
      names[dest][state] = tonumber(counts[index + 1])
    end
  end
  for dest, each in pairs(names) do
    local oldest = false
    for _, kind in ipairs({ 'pending:', 'aged:' }) do
      local first = R('ZRANGE', S .. kind .. dest, 0, 0, 'WITHSCORES')[2]
      if first and (not oldest or tonumber(first) < oldest) then oldest = tonumber(first) end
    end
    destinations[#destinations + 1] =
      { dest, each.pending, each.leased, each.dead, R('SCARD', S .. 'blocked:' .. dest), oldest }
  end
  local clock = R('TIME')
  return { tonumber(R('HGET', S .. 'counts', 'events') or 0), destinations, clock[1] * 1000 + math.floor(clock[2] / 1000) }
end

-- The keys of the log that are wanted, newest first, with their numbers. A key is a digest of 16 bytes, and behind it the
-- source and the reason.
local function keysOfRejected(budgets, beginning, ending, before)
  local keys, numbers = {}, {}
  for _, budget in ipairs(budgets) do
    local found = R('ZREVRANGEBYSCORE', S .. 'rejected:' .. budget, '(' .. string.format('%d', before), '-inf', 'WITHSCORES')
    for index = 1, #found, 2 do
      local key = found[index]
      if string.sub(key, 17, 16 + #beginning) == beginning and (ending == '' or string.sub(key, -#ending) == ending) then
        keys[#keys + 1] = key
        numbers[key] = tonumber(found[index + 1])
      end
    end
  end
  table.sort(keys, function(left, right) return numbers[left] > numbers[right] end)
  return keys, numbers
end

local function rejected(op)
  local limit, most = op[6], op[7]
  local keys, numbers = keysOfRejected(op[2], op[3], op[4], op[5])
  local kept, bytes = {}, 0
  for index, key in ipairs(keys) do
    if index > limit then return { kept, numbers[keys[limit]] } end
    local row = cmsgpack.unpack(R('HGET', S .. 'rejected', key))
    bytes = bytes + #row[3]
    if index > 1 and bytes > most then return { kept, numbers[keys[index - 1]] } end
    row[4] = tonumber(R('HGET', S .. 'rejected:copies', key))
    row[5] = numbers[key]
    kept[index] = row
  end
  return { kept, 0 }
end

local function recall(op)
  return R('HGET', S .. 'state', op[2])
end

local function entries()
  return R('HGETALL', S .. 'state')
end

local function sources()
  return R('HGETALL', S .. 'sources')
end

local function clock()
  local time = R('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local VERBS = {
  get = get, body = body, walk = walk, pick = pick, gather = gather, stat = stat, rejected = rejected, recall = recall, entries = entries,
  sources = sources,
}
local op = cmsgpack.unpack(ARGV[4])
return cmsgpack.pack({ clock(), VERBS[op[1]](op) })
`

/** The script of whatever only reads: one operation, one call. */
export const READ: string = [BEGINNING, BLOCKS, VERBS].join('')
