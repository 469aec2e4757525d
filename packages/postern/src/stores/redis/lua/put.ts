/**
 * Recording events. The dedupe record is `SET NX`: it is the one thing that decides which of many copies is the first.
 * A record holds the event's number, the end of its window by the store's clock, and the body's digest. A value of another
 * form was written by somebody else who remembered the id: such an event is a duplicate of one that is not here.
 */
export const PUT: string = String.raw`
local expiries = {}

local function remembered(key)
  local value = redis.pcall('GET', key)
  if not value then return nil end
  local seq, untilMs, digest = nil, nil, nil
  if type(value) == 'string' then seq, untilMs, digest = string.match(value, '^(%d+) (%d+) (%S+)$') end
  if not seq then return { 0, false } end
  if tonumber(untilMs) <= now then return nil end
  return { tonumber(seq), digest }
end

local function recordOf(seq, op)
  return string.format('%d %d %s', seq, now + op.windowMs, op.digest)
end

local function noteExpiry(key, op)
  local list = expiries[op.windowMs]
  if not list then
    list = {}
    expiries[op.windowMs] = list
  end
  list[#list + 1] = string.format('%d %s', now + op.windowMs, key)
end

local function remember(key, seq, op)
  R('SET', key, recordOf(seq, op), 'PX', op.windowMs)
  noteExpiry(key, op)
end

local function store(op, conflictsWith, delivers)
  local made = delivers and #op.dests or 0
  local seq = numbers(math.max(made, 1))
  local head = string.format('%d %d %d %d %d %s %s %d ', now, made, conflictsWith, op.bytes, op.apart and 1 or 0,
    op.onDead, op.line, #op.texts)
  local blob = op.apart and head .. op.texts or head .. op.texts .. op.body
  write(seq, seq, blob)
  if op.apart then write(seq, bodyField(seq), op.body) end
  newEvents[seq], newBodies[seq] = blob, op.apart and op.body or nil
  eventsMade = eventsMade + 1
  if conflictsWith ~= 0 then place('conflicts', '', seq, seq) end
  for index = 1, made do
    insertDelivery(seq + (index - 1) * STEP, seq, op.dests[index], op.line, op.onDead, true)
  end
  return seq, made
end

-- Leases the newest delivery of a destination, if it is its turn and nothing of the event is done or under way there.
local function take(seqs, dest, leaseMs)
  local newest
  for _, seq in ipairs(seqs) do
    local row = load(seq)
    if row and row[DEST] == dest then
      if row[STATE] == SUCCEEDED or (row[STATE] == LEASED and now < row[LEASE]) then return false end
      newest = seq
    end
  end
  local row = newest and load(newest)
  if not row or row[STATE] == CANCELLED or not isTurnOf(row, newest) then return false end
  if row[STATE] == DEAD then row[ATTEMPT] = 0 end
  return lease(newest, row, now + leaseMs)
end

local function duplicate(op, event)
  local blob = eventBlob(event)
  -- The event may have been pruned while its id is still remembered.
  if not blob then return { 'duplicate', event, {}, false, false, false } end
  R('HINCRBY', blockOf(event), copiesField(event), 1)
  local received, made, conflicts, bytes, apart = string.match(blob, HEAD)
  local seqs = deliveriesOf(event, tonumber(made))
  local statuses = {}
  for _, seq in ipairs(seqs) do
    local row = load(seq)
    statuses[#statuses + 1] = { seq, row[DEST], row[STATE] }
  end
  local leased = op.leaseDest and not op.leavesCopies and take(seqs, op.leaseDest, op.leaseMs)
  return { 'duplicate', event, statuses, leased, leased and blob,
    leased and apart == '1' and bodyApart(event) }
end

local function leaseNew(op, seq, made)
  if not op.leaseDest then return false end
  local seqs = {}
  for index = 1, made do seqs[index] = seq + (index - 1) * STEP end
  return take(seqs, op.leaseDest, op.leaseMs)
end

local function storeConflict(op, keys, conflictsWith)
  local own = op.base .. 'conflict:' .. op.digest .. ':' .. op.id
  local again = remembered(own)
  if again then return duplicate(op, again[1]) end
  local seq, made = store(op, conflictsWith, op.dispatches)
  for _, key in ipairs(keys) do
    if not remembered(key) then remember(key, seq, op) end
  end
  remember(own, seq, op)
  return { 'conflict', seq, conflictsWith, now, leaseNew(op, seq, made) }
end

local function putOne(op)
  local keys, other = {}, nil
  if op.id then keys[1] = op.base .. 'event:' .. op.id end
  if op.guards then keys[#keys + 1] = op.base .. 'body:' .. op.digest end
  local isNew = #keys == 1 and R('SET', keys[1], recordOf(numbers(0), op), 'NX', 'PX', op.windowMs)
  if isNew then
    noteExpiry(keys[1], op)
  else
    -- A copy under any key comes before a conflict under another: nothing of it is new.
    for index, key in ipairs(keys) do
      local seen = remembered(key)
      if seen then
        local isOfBody = not op.id or index == 2
        if isOfBody or not seen[2] or seen[2] == op.digest then return duplicate(op, seen[1]) end
        other = other or seen[1]
      end
    end
    if other then return storeConflict(op, keys, other) end
    for _, key in ipairs(keys) do remember(key, numbers(0), op) end
  end
  local seq, made = store(op, 0, true)
  return { 'stored', seq, now, leaseNew(op, seq, made) }
end

local function put(packed)
  local op = {
    base = packed[2], id = packed[3], guards = packed[4], digest = packed[5], windowMs = packed[6],
    texts = packed[7], body = packed[8], bytes = packed[9], apart = packed[10], onDead = packed[11],
    line = packed[12], dispatches = packed[13], dests = packed[14], leaseDest = packed[15], leaseMs = packed[16],
    leavesCopies = packed[17],
  }
  return putOne(op)
end
`
