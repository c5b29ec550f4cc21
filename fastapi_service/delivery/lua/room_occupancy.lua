-- Renew one gateway's connections in a room and count all of them. Connections that are not renewed are forgotten.
-- KEYS: people, talking, present
-- ARGV: {present, talking, gone} as JSON, seconds until a connection is forgotten, channel, room
-- Returns {people, talking, who is present}; a change is published on the channel
local people, talking, present = KEYS[1], KEYS[2], KEYS[3]
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

local before, owners, changed = count(), {}, false
for owner, person in pairs(here.present) do
  owners[#owners + 1] = owner
  if person ~= '' and redis.call('HGET', present, owner) ~= person then
    redis.call('HSET', present, owner, person)
    changed = true
  end
end
refresh(people, owners)
refresh(talking, here.talking)
redis.call('EXPIRE', present, forget_s)

-- A gateway older than this key removes connections from the others only.
local who, known = {}, redis.call('HGETALL', present)
for i = 1, #known, 2 do
  if redis.call('ZSCORE', people, known[i]) then
    who[#who + 1] = known[i + 1]
  else
    redis.call('HDEL', present, known[i])
  end
end

local after = count()
if changed or after[1] ~= before[1] or after[2] ~= before[2] then redis.call('PUBLISH', channel, room) end
return { after[1], after[2], who }
