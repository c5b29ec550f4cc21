-- Write what a client has changed, if this connection still owns the session.
-- KEYS: session, and what has to live as long
-- ARGV: owner, TTL (s), fields and their values as JSON; null for none
-- Returns configured | fenced | unknown
local session = KEYS[1]
local owner, ttl_s, fields = ARGV[1], ARGV[2], cjson.decode(ARGV[3])

local current_owner = redis.call('HGET', session, 'owner')
if not current_owner then return 'unknown' end
if current_owner ~= owner then return 'fenced' end

for field, value in pairs(fields) do
  if value == cjson.null then -- of language, also one that a worker of version 0.2.0 detected and kept
    redis.call('HDEL', session, field)
  else
    redis.call('HSET', session, field, value)
  end
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ttl_s, 'GT') end
return 'configured'
