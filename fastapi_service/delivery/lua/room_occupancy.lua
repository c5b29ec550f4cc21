-- Renew one gateway's connections in a room and count all of them. Connections that are not renewed are forgotten.
-- KEYS: people, talking
-- ARGV: {present, talking, gone} as JSON, seconds until a connection is forgotten, channel, room
-- Returns {people, talking}; a change is published on the channel
local people, talking = KEYS[1], KEYS[2]
local here, forget_s, channel, room = cjson.decode(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

local function count() return { redis.call('ZCARD', people), redis.call('ZCARD', talking) } end
local function refresh(key, owners)
  for _, owner in ipairs(owners) do redis.call('ZADD', key, now + forget_s, owner) end
  for _, owner in ipairs(here.gone) do redis.call('ZREM', key, owner) end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('EXPIRE', key, forget_s)
end

local before = count()
refresh(people, here.present)
refresh(talking, here.talking)
local after = count()
if after[1] ~= before[1] or after[2] ~= before[2] then redis.call('PUBLISH', channel, room) end
return after
