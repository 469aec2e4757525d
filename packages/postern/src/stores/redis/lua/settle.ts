/**
 * Ending and prolonging leases. Redis undoes nothing of a script that fails: so effects run first, once the fence has held,
 * and all but the last have their keys dumped, to be restored where a later one fails.
 */
export const SETTLE: string = String.raw`
local function fenced(seq, token)
  local row = load(seq)
  return row and row[STATE] == LEASED and row[TOKEN] == token and row or nil
end

local function undo(saved)
  for index = #saved, 1, -1 do
    local key, dump, ttl = saved[index][1], saved[index][2], saved[index][3]
    R('DEL', key)
    if dump then R('RESTORE', key, math.max(ttl, 0), dump) end
  end
end

local function failureOf(reply)
  return type(reply) == 'table' and reply.err or nil
end

-- The error of the first effect that fails, with what was done before it undone.
local function runEffects(effects)
  local saved, isSaved = {}, {}
  for index, command in ipairs(effects) do
    local keys = redis.pcall('COMMAND', 'GETKEYS', unpack(command))
    local failure = failureOf(keys)
    if not failure and index < #effects then
      for _, key in ipairs(keys) do
        if not failure and not isSaved[key] then
          local dump = redis.pcall('DUMP', key)
          failure = failureOf(dump)
          isSaved[key] = true
          if not failure then saved[#saved + 1] = { key, dump, R('PTTL', key) } end
        end
      end
    end
    failure = failure or failureOf(redis.pcall(unpack(command)))
    if failure then
      undo(saved)
      return failure
    end
  end
end

local OUTCOMES = { succeeded = SUCCEEDED, retry = PENDING, released = PENDING, dead = DEAD }

local function settleOne(settlement)
  local seq, token, kind, afterMs, durationMs, message, effects = unpack(settlement)
  local row = fenced(seq, token)
  if not row then return 'lost' end
  local failure = effects and runEffects(effects)
  if failure then return failure end
  local was = row[STATE]
  row[STATE], row[LEASE] = OUTCOMES[kind], 0
  if kind == 'released' then
    row[ATTEMPT] = row[ATTEMPT] - 1
  else
    local tries = row[TRIES] or {}
    tries[#tries + 1] = { row[ATTEMPT], now, durationMs, kind, message }
    row[TRIES], row[ERROR] = tries, message or row[ERROR]
  end
  if row[STATE] == PENDING then row[DUE] = now + afterMs end
  row[BLOCKS] = row[STATE] == DEAD and row[LANE] ~= '' and laneOf(row[LANE])[ON_DEAD] == 'b'
  changed(seq, row, was)
  return true
end

local function settle(op)
  local seqs, results = {}, {}
  for index, each in ipairs(op[2]) do seqs[index] = each[1] end
  preload(seqs)
  for index, each in ipairs(op[2]) do results[index] = settleOne(each) end
  return results
end

local function extend(op)
  local leases, results = op[2], {}
  for index = 1, #leases, 2 do
    local row = fenced(leases[index], leases[index + 1])
    if row then
      row[LEASE] = now + op[3]
      changed(leases[index], row, LEASED)
    end
    results[#results + 1] = row ~= nil
  end
  return results
end
`
