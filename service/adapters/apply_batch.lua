-- Applies whole journal rows of one shard exactly once: mark, bits, counts and names in one step.
-- Reads first: Lua is atomic but does not roll back, so nothing that can fail follows a write.
--
-- KEYS[1] is the hash of marks; the others are as the batch says.
-- ARGV: journal, the mark that is expected there, the mark to set, the batch (MessagePack):
--   1 keys:   for each of KEYS[2..] {type, life in seconds}
--   2 events: {count, hour key, day key, field, verdict,
--              seen key or 0, bit, articles key or 0, known key, site, article, rest,
--              pace key or 0, pace field}; keys by their place in KEYS
--   3 names:  {names key, field, text}
--   4 most articles per site and day, 5 most names per key
-- Returns {1, mark, positions of duplicates from 0 ...}, {0, mark} when the mark is another one,
-- or {-1, place of a key of another type}.

local journal, expected, through = ARGV[1], ARGV[2], ARGV[3]
local batch = cmsgpack.unpack(ARGV[4])
local keys, events, names = batch[1], batch[2], batch[3]
local articles_max, names_max = batch[4], batch[5]

local function fits(key, wanted)
  local found = redis.call('TYPE', key).ok
  return found == wanted or found == 'none'
end

if not fits(KEYS[1], 'hash') then
  return {-1, 1}
end
for i, key in ipairs(keys) do
  if not fits(KEYS[i + 1], key[1]) then
    return {-1, i + 1}
  end
end
local mark = redis.call('HGET', KEYS[1], journal) or '0'
if mark ~= expected then
  return {0, tonumber(mark)}
end

local sums, bits, members, texts = {}, {}, {}, {}

local function add(key, field, count)
  local fields = sums[key]
  if not fields then
    fields = {}
    sums[key] = fields
  end
  fields[field] = (fields[field] or 0) + count
end

local function fresh(key, bit)
  local mine = bits[key]
  if not mine then
    mine = {}
    bits[key] = mine
  end
  if mine[bit] or redis.call('GETBIT', KEYS[key], bit) == 1 then
    return false
  end
  mine[bit] = true
  return true
end

local rooms = {}

local function listed(key, article)
  local mine = members[key]
  if not mine then
    mine = {}
    members[key] = mine
    rooms[key] = articles_max - redis.call('SCARD', KEYS[key])
  end
  if mine[article] or redis.call('SISMEMBER', KEYS[key], article) == 1 then
    return article
  end
  if rooms[key] <= 0 then
    return 'other'
  end
  rooms[key] = rooms[key] - 1
  mine[article] = true
  return article
end

local reply = {1, tonumber(through)}
for position, event in ipairs(events) do
  local count, verdict, seen = event[1], event[5], event[6]
  local counts = true
  if seen > 0 then
    counts = fresh(seen, event[7])
    if not counts then
      verdict = 'duplicate'
      reply[#reply + 1] = position - 1
    end
  end
  local field = event[4] .. '|' .. verdict
  add(event[2], field, count)
  add(event[3], field, count)
  if counts and event[8] > 0 then
    add(event[8], event[10] .. '|' .. listed(event[9], event[11]) .. '|' .. event[12], count)
  end
  if counts and event[13] > 0 then
    add(event[13], event[14], count)
  end
end

local lengths = {}
for _, name in ipairs(names) do
  local key, field = name[1], name[2]
  lengths[key] = lengths[key] or redis.call('HLEN', KEYS[key])
  if lengths[key] < names_max and redis.call('HEXISTS', KEYS[key], field) == 0 then
    lengths[key] = lengths[key] + 1
    texts[#texts + 1] = name
  end
end

redis.call('HSET', KEYS[1], journal, through)
for key, mine in pairs(bits) do
  for bit in pairs(mine) do
    redis.call('SETBIT', KEYS[key], bit, 1)
  end
end
for key, mine in pairs(members) do
  for article in pairs(mine) do
    redis.call('SADD', KEYS[key], article)
  end
end
for key, fields in pairs(sums) do
  for field, count in pairs(fields) do
    redis.call('HINCRBY', KEYS[key], field, count)
  end
end
for _, name in ipairs(texts) do
  redis.call('HSETNX', KEYS[name[1]], name[2], name[3])
end
for i, key in ipairs(keys) do
  redis.call('EXPIRE', KEYS[i + 1], key[2])
end
return reply
