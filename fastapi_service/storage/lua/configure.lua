-- Write what a client has changed, if this connection still owns the session.
-- KEYS: session, and what has to live as long
-- ARGV: owner, TTL (s), prompt; and, if they have changed, languages, and the language that is fixed ('' for none)
-- Returns configured | fenced | unknown
local session = KEYS[1]
local owner, ttl_s, prompt, languages, language = unpack(ARGV)

local current_owner = redis.call('HGET', session, 'owner')
if not current_owner then return 'unknown' end
if current_owner ~= owner then return 'fenced' end

redis.call('HSET', session, 'prompt', prompt)
if languages then
  redis.call('HSET', session, 'languages', languages)
  redis.call('HDEL', session, 'language') -- also one that a worker of version 0.2.0 detected and kept
  if language ~= '' then redis.call('HSET', session, 'language', language) end
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ttl_s, 'GT') end
return 'configured'
