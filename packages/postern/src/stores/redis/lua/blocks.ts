/**
 * Where events and their deliveries stand: a hash for each stretch of numbers. One hash for all would be moved to a table of
 * twice the size at each power of two, bucket by bucket with every look at it, and its buckets are in no cache: with a million
 * events a look cost 1.8 µs more, and a drain a fifth of its speed. What is worked on is near the newest numbers, so what it
 * costs no longer depends on the history behind it.
 *
 * An event stands under its number and a delivery under its number below zero, since a number becomes a field without a text
 * being made of it; an event's first, so that the hash is a table and no list from its first write on.
 */
export const BLOCKS: string = String.raw`
local NUMBERS = 1024 * STEP

local lastBlock, lastKey
local function blockOf(seq)
  local block = math.floor(seq / NUMBERS)
  if block ~= lastBlock then
    lastBlock, lastKey = block, S .. 'block:' .. string.format('%d', block)
  end
  return lastKey
end

-- What is gathered for each block, under its key.
local function listOf(lists, seq)
  local key = blockOf(seq)
  local list = lists[key]
  if not list then
    list = {}
    lists[key] = list
  end
  return list
end

local function bodyField(event) return string.format('body:%d', event) end
local function copiesField(event) return string.format('copies:%d', event) end
local function replaysField(event) return string.format('replays:%d', event) end

-- What stands at some numbers, in their order: events with 1, deliveries with -1.
local function valuesAt(seqs, sign)
  local fieldsOf, placesOf, values = {}, {}, {}
  for at, seq in ipairs(seqs) do
    local fields, places = listOf(fieldsOf, seq), listOf(placesOf, seq)
    local size = #fields + 1
    fields[size], places[size] = seq * sign, at
  end
  for key, fields in pairs(fieldsOf) do
    local places = placesOf[key]
    -- unpack ends near 8,000 values.
    for from = 1, #fields, 4000 do
      local to = math.min(from + 3999, #fields)
      for index, value in ipairs(R('HMGET', key, unpack(fields, from, to))) do values[places[from + index - 1]] = value end
    end
  end
  return values
end
`
