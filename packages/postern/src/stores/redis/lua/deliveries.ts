/** How a delivery is made, changed and leased. Every change of a state passes through `changed`. */
export const DELIVERIES: string = String.raw`
local function changed(seq, row, was)
  local state, dest = row[STATE], row[DEST]
  dirty[seq] = row
  if was ~= state then
    count(was, dest, -1)
    count(state, dest, 1)
    if was == DEAD then place('dead:', dest, seq, false) end
    if state == DEAD then place('dead:', dest, seq, seq) end
    if state == SUCCEEDED or state == CANCELLED then notePassed(row[EVENT]) end
  end
  if state == LEASED then
    place('leased:', dest, seq, row[LEASE])
  elseif was == LEASED then
    place('leased:', dest, seq, false)
  end
  -- The first of 'pending:' is the oldest as well, but for what is due at another time than it was made, or waits in line.
  local isAged = state == PENDING and (row[LANE] ~= '' or row[DUE] ~= row[MADE])
  if isAged ~= row[AGED] then
    row[AGED] = isAged
    place('aged:', dest, seq, isAged and row[MADE])
  end
  if row[LANE] ~= '' then return standInLane(seq, row, was) end
  if state == PENDING then
    place('pending:', dest, seq, row[DUE])
  elseif was == PENDING then
    place('pending:', dest, seq, false)
  end
end

local function insertDelivery(seq, event, dest, line, onDead, isNew)
  local lane = ''
  if line ~= '-' then
    lane = line .. ':' .. dest
    laneFor(lane, onDead, isNew)
  end
  local row = { event, dest, PENDING, 0, 0, now, 0, now, lane, false, false, false, false }
  rows[seq] = row
  changed(seq, row, nil)
end

-- The attempt is counted before it is made.
local function lease(seq, row, untilMs)
  local was = row[STATE]
  row[STATE], row[LEASE], row[BLOCKS] = LEASED, untilMs, false
  row[TOKEN], row[ATTEMPT] = row[TOKEN] + 1, row[ATTEMPT] + 1
  changed(seq, row, was)
  return { seq, row[TOKEN], row[ATTEMPT] }
end
`
