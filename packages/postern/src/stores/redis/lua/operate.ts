/** An operator's steps: move, replay, prune. */
export const OPERATE: string = String.raw`
local STEPS = {
  redrive = { DEAD, PENDING },
  cancel = { PENDING, CANCELLED },
  discard = { DEAD, CANCELLED },
}

local function moveOne(seq, to, isForced)
  local row = load(seq)
  if not row then return 'unknown' end
  local from, state = unpack(STEPS[to])
  if row[STATE] ~= from then return 'illegal' end
  if to == 'redrive' then
    if not isForced and hasOvertaken(row, seq) then return 'overtaken' end
    -- Its schedule starts anew; its attempts stay on record.
    row[ATTEMPT], row[DUE] = 0, now
  end
  row[STATE], row[BLOCKS] = state, false
  changed(seq, row, from)
  -- What waits behind it may run now.
  woken[row[DEST]] = true
  return 'moved'
end

local function move(op)
  local results = {}
  for index, each in ipairs(op[2]) do results[index] = moveOne(unpack(each)) end
  return results
end

local function replayOne(event, dests)
  local blob = eventBlob(event)
  if not blob then return false end
  local received, made, conflicts, bytes, apart, onDead, line = string.match(blob, HEAD)
  local seqs = {}
  floor = floor or tonumber(R('GET', S .. 'floor') or 0)
  for index, dest in ipairs(dests) do
    local seq = numbers(1)
    insertDelivery(seq, event, dest, line, onDead, false)
    if event <= floor then place('leftDeliveries', '', seq, seq) end
    seqs[index] = seq
  end
  if #seqs > 0 then
    local known = R('HGET', blockOf(event), replaysField(event))
    local texts = { known or nil }
    for _, seq in ipairs(seqs) do texts[#texts + 1] = string.format('%d', seq) end
    R('HSET', blockOf(event), replaysField(event), table.concat(texts, ' '))
  end
  return seqs
end

local function replay(op)
  local results = {}
  for index, each in ipairs(op[2]) do results[index] = replayOne(each[1], each[2]) end
  return results
end

local function isFinished(seqs)
  preload(seqs)
  for _, seq in ipairs(seqs) do
    local row = load(seq)
    if row and row[STATE] ~= SUCCEEDED and row[STATE] ~= CANCELLED then return false end
  end
  return true
end

local gone, goneLanes = {}, {}

local function remove(seq, ...)
  local fields = listOf(gone, seq)
  for _, field in ipairs({ ... }) do fields[#fields + 1] = field end
end

local function deleteEvent(event, seqs, isApart)
  remove(event, event, copiesField(event), replaysField(event), isApart and bodyField(event) or nil)
  eventsMade = eventsMade - 1
  for _, set in ipairs({ 'conflicts', 'left', 'finished' }) do place(set, '', event, false) end
  for _, seq in ipairs(seqs) do
    local row = load(seq)
    local lane = row and row[LANE] ~= '' and laneOf(row[LANE])
    if lane and isIdle(lane) then goneLanes[#goneLanes + 1] = row[LANE] end
    remove(seq, -seq)
    place('leftDeliveries', '', seq, false)
  end
end

local function flushGone()
  for key, fields in pairs(gone) do many('HDEL', key, fields) end
  if #goneLanes > 0 then many('HDEL', S .. 'lanes', goneLanes) end
end

-- Those that had to stay when the walk came past them, and are finished since.
local function prunePassed(beforeMs, limit)
  local deleted = 0
  local found = R('ZRANGEBYSCORE', S .. 'finished', '-inf', '(' .. beforeMs, 'LIMIT', 0, limit)
  for _, text in ipairs(found) do
    local event = tonumber(text)
    local blob = eventBlob(event)
    local received, made, conflicts, bytes, apart = string.match(blob, HEAD)
    local seqs = deliveriesOf(event, tonumber(made))
    if isFinished(seqs) then
      deleteEvent(event, seqs, apart == '1')
      deleted = deleted + 1
    else
      -- It was replayed or redriven; its end brings it back.
      place('finished', '', event, false)
    end
  end
  return deleted
end

-- Walks up the numbers, once past each: what must stay is noted, and not looked at again before it is finished.
local function pruneOnward(beforeMs, limit, budget)
  floor = floor or tonumber(R('GET', S .. 'floor') or 0)
  local top = tonumber(R('GET', S .. 'seq') or 0)
  local deleted, walked, at = 0, 0, math.max(floor, INDEX)
  while deleted < limit and walked < budget and at < top do
    local seq = at + STEP
    local blob = eventBlob(seq)
    if blob then
      local received, made, conflicts, bytes, apart = string.match(blob, HEAD)
      if tonumber(received) >= beforeMs then break end
      local seqs = deliveriesOf(seq, tonumber(made))
      if isFinished(seqs) then
        deleteEvent(seq, seqs, apart == '1')
        deleted = deleted + 1
      else
        place('left', '', seq, seq)
        for _, delivery in ipairs(seqs) do place('leftDeliveries', '', delivery, delivery) end
      end
    end
    at, walked = seq, walked + 1
  end
  if at > floor then R('SET', S .. 'floor', string.format('%d', at)) end
  return deleted, walked >= budget
end

-- Where Redis has forgotten a key by itself already, there is nothing to count.
local function forget(limit)
  local deleted, looked = 0, 0
  for _, windowMs in ipairs(R('SMEMBERS', S .. 'windows')) do
    local list = S .. 'expiry:' .. windowMs
    while deleted < limit and looked < limit * 4 do
      local head = R('LINDEX', list, 0)
      local untilMs, key = string.match(head or '', '^(%d+) (.*)$')
      if not untilMs or tonumber(untilMs) > now then break end
      R('LPOP', list)
      looked = looked + 1
      local value = redis.pcall('GET', key)
      local until2 = type(value) == 'string' and string.match(value, '^%d+ (%d+) %S+$')
      if until2 and tonumber(until2) <= now then
        R('DEL', key)
        deleted = deleted + 1
      end
    end
    if R('EXISTS', list) == 0 then R('SREM', S .. 'windows', windowMs) end
  end
  return deleted
end

local function prune(op)
  local beforeMs, limit, budget, forgets = now - op[2], op[3], op[4], op[5]
  local deleted = prunePassed(beforeMs, limit)
  local more, isMore = pruneOnward(beforeMs, limit - deleted, budget)
  flushGone()
  local forgotten = forgets > 0 and forget(forgets) or 0
  return { deleted + more, forgotten, isMore }
end
`
