-- Applies whole journal rows of one shard exactly once: mark, bits, counts and names in one step.
-- Lua is atomic but does not roll back: everything is read and checked first, and no write that
-- follows can fail.
--
-- KEYS[1] is the hash of marks; the others are as the batch says, none of them twice.
-- ARGV: journal, the mark that is expected there, the mark to set, the batch (MessagePack):
--   1 keys:   for each of KEYS[2..] {type, life in seconds}
--   2 events: {count, hour key, day key, field, verdict,
--              seen key or 0, bit, articles key or 0, known key, site, article, rest,
--              pace key or 0, pace field}; keys by their place in KEYS
--   3 names:  {names key, field, text}
--   4 most articles per site and day, 5 most names per key
-- Returns {1, mark, positions of duplicates from 0 ...}, {0, mark} when the mark is another one,
-- {-1, place} for a key that holds what this script never wrote, or an error `UNREAD …` when it
-- could not look. Nothing is written unless the first is 1.

local WRITES = {hash = 'HSET', set = 'SADD', string = 'SETBIT'}
local STEP = 16384 -- bytes by which a bitmap grows, once it has as many
local journal, expected, through = ARGV[1], ARGV[2], ARGV[3]
local keys, events, names, articles_max, names_max
local bits, members, sums, texts = {}, {}, {}, {} -- what will be written, by place in KEYS
local ends = {} -- of bitmaps that must grow: their last bit then

local function at(tables, place)
  tables[place] = tables[place] or {}
  return tables[place]
end

-- The number, if the text is one as this script writes it.
local function whole(text)
  if text:find('^%-?%d+$') and ('%.0f'):format(tonumber(text)) == text then
    return tonumber(text)
  end
end

local function permitted(key, command, ...)
  if not redis.acl_check_cmd(command, ...) then
    error('no permission to ' .. command .. ' ' .. key)
  end
end

local function usable(key, wanted)
  permitted(key, WRITES[wanted], key, '0', '0')
  permitted(key, 'EXPIRE', key, '1')
  if wanted == 'string' then
    permitted(key, 'BITOP', 'OR', key, key)
  end
  local found = redis.call('TYPE', key).ok
  return found == wanted or found == 'none'
end

local function fresh(place, bit)
  local mine = at(bits, place)
  if mine[bit] or redis.call('GETBIT', KEYS[place], bit) == 1 then
    return false
  end
  mine[bit] = true
  return true
end

-- Redis gives a string that grows twice of what it needs, which nobody takes back.
local function measure()
  for place, mine in pairs(bits) do
    local last = 0
    for bit in pairs(mine) do
      last = math.max(last, bit)
    end
    local bytes, held = math.floor(last / 8) + 1, redis.call('STRLEN', KEYS[place])
    if bytes > STEP and bytes > held then
      ends[place] = math.ceil(bytes / STEP) * STEP * 8 - 1
    end
  end
end

local rooms = {}

local function listed(place, article)
  local mine = at(members, place)
  rooms[place] = rooms[place] or articles_max - redis.call('SCARD', KEYS[place])
  if mine[article] or redis.call('SISMEMBER', KEYS[place], article) == 1 then
    return article
  end
  if rooms[place] <= 0 then
    return 'other'
  end
  rooms[place] = rooms[place] - 1
  mine[article] = true
  return article
end

local function add(place, field, count)
  local mine = at(sums, place)
  mine[field] = (mine[field] or 0) + count
end

local function judge(event)
  local count, verdict, seen = event[1], event[5], event[6]
  local first = seen == 0 or fresh(seen, event[7])
  local field = event[4] .. '|' .. (first and verdict or 'duplicate')
  add(event[2], field, count)
  add(event[3], field, count)
  if first and event[8] > 0 then
    add(event[8], event[10] .. '|' .. listed(event[9], event[11]) .. '|' .. event[12], count)
  end
  if first and event[13] > 0 then
    add(event[13], event[14], count)
  end
  return first
end

-- Add what is held to the sums; return the place of a key with a field that is no count.
local function total()
  for place, mine in pairs(sums) do
    local fields = {}
    for field in pairs(mine) do
      fields[#fields + 1] = field
    end
    for i, held in ipairs(redis.call('HMGET', KEYS[place], unpack(fields))) do
      local count = whole(held or '0')
      if not count then
        return place
      end
      mine[fields[i]] = ('%.0f'):format(count + mine[fields[i]])
    end
  end
end

local function name()
  local lengths = {}
  for _, one in ipairs(names) do
    local place, field, text = one[1], one[2], one[3]
    local mine = at(texts, place)
    lengths[place] = lengths[place] or redis.call('HLEN', KEYS[place])
    if lengths[place] < names_max and not mine[field]
      and redis.call('HEXISTS', KEYS[place], field) == 0 then
      lengths[place] = lengths[place] + 1
      mine[field] = text
    end
  end
end

local function read()
  keys, events, names, articles_max, names_max = unpack(cmsgpack.unpack(ARGV[4]))
  table.insert(keys, 1, {'hash'})
  for place, key in ipairs(keys) do
    if not usable(KEYS[place], key[1]) then
      return {-1, place}
    end
  end
  local mark = whole(redis.call('HGET', KEYS[1], journal) or '0')
  if not mark then
    return {-1, 1}
  elseif mark ~= tonumber(expected) then
    return {0, mark}
  end
  local reply = {1, tonumber(through)}
  for position, event in ipairs(events) do
    if not judge(event) then
      reply[#reply + 1] = position - 1
    end
  end
  name()
  measure()
  local strange = total()
  return strange and {-1, strange} or reply
end

local function pairs_of(mine)
  local flat = {}
  for field, value in pairs(mine) do
    flat[#flat + 1] = field
    flat[#flat + 1] = value
  end
  return unpack(flat)
end

local function write()
  redis.call('HSET', KEYS[1], journal, through)
  for place, last in pairs(ends) do
    redis.call('SETBIT', KEYS[place], last, 0)
    redis.call('BITOP', 'OR', KEYS[place], KEYS[place]) -- written anew, with no room to spare
  end
  for place, mine in pairs(bits) do
    for bit in pairs(mine) do
      redis.call('SETBIT', KEYS[place], bit, 1)
    end
  end
  for place, mine in pairs(members) do
    for article in pairs(mine) do
      redis.call('SADD', KEYS[place], article)
    end
  end
  for _, hashes in ipairs({sums, texts}) do
    for place, mine in pairs(hashes) do
      if next(mine) then
        redis.call('HSET', KEYS[place], pairs_of(mine))
      end
    end
  end
  for place = 2, #keys do
    redis.call('EXPIRE', KEYS[place], keys[place][2])
  end
end

local read_well, reply = pcall(read)
if not read_well then
  local why = type(reply) == 'table' and reply.err or tostring(reply)
  return redis.error_reply('UNREAD ' .. why)
end
if reply[1] == 1 then
  write()
end
return reply
