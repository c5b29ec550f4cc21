-- The people of one gateway in a room, and how many there are at all. Who was not heard of for long is forgotten.
-- KEYS: people, talking
-- ARGV: {present, talking, gone} as JSON, seconds until somebody is forgotten, channel, room
-- Returns {people, talking}; a change is told on the channel
local people, talking = KEYS[1], KEYS[2]
local here, keep_s = cjson.decode(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

local function count() return { redis.call('ZCARD', people), redis.call('ZCARD', talking) } end
local function refresh(key, owners)
  for _, owner in ipairs(owners) do redis.call('ZADD', key, now + keep_s, owner) end
  for _, owner in ipairs(here.gone) do redis.call('ZREM', key, owner) end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('EXPIRE', key, keep_s)
end

local before = count()
refresh(people, here.present)
refresh(talking, here.talking)
local after = count()
if after[1] ~= before[1] or after[2] ~= before[2] then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return after
