/** Leasing what is due: leases that ended first, then by due time. */
export const CLAIM: string = String.raw`
local function dueOf(kind, dest, limit, isEnded, found)
  if limit <= 0 then return end
  local due = R('ZRANGEBYSCORE', S .. kind .. dest, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
  for index = 1, #due, 2 do
    found[#found + 1] = { tonumber(due[index]), isEnded, tonumber(due[index + 1]) }
  end
end

local function nextDue(dests)
  local nextMs = false
  for index = 1, #dests, 2 do
    if dests[index + 1] > 0 then
      for _, kind in ipairs({ 'pending:', 'leased:' }) do
        local first = R('ZRANGE', S .. kind .. dests[index], 0, 0, 'WITHSCORES')[2]
        if first and (not nextMs or tonumber(first) < nextMs) then nextMs = tonumber(first) end
      end
    end
  end
  return nextMs
end

local function withEvents(claimed)
  local wanted = {}
  for index, each in ipairs(claimed) do wanted[index] = each[5] end
  local blobs = valuesAt(wanted, 1)
  for at, each in ipairs(claimed) do each[6] = newEvents[wanted[at]] or blobs[at] end
end

local function claim(op)
  local dests, leaseMs = op[2], op[3]
  flushQueues()
  local claimed = {}
  for index = 1, #dests, 2 do
    local dest, limit, found = dests[index], dests[index + 1], {}
    dueOf('leased:', dest, limit, true, found)
    dueOf('pending:', dest, limit - #found, false, found)
    local seqs = {}
    for at, each in ipairs(found) do seqs[at] = each[1] end
    preload(seqs)
    for _, each in ipairs(found) do
      local row = load(each[1])
      local leased = lease(each[1], row, now + leaseMs)
      claimed[#claimed + 1] = { leased[1], leased[2], leased[3], dest, row[EVENT], false, each[2], each[3] }
    end
  end
  flushQueues()
  if #claimed == 0 then return { claimed, nextDue(dests) } end
  withEvents(claimed)
  return { claimed, false }
end
`
