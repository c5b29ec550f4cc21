-- A connection takes a session over: from here on, the former owner writes nothing more.
-- KEYS: session, and what has to live as long
-- ARGV: owner, TTL (s)
-- Returns {language, task, prompt, next_segment, samples}, or nil when there is no such session
local session = KEYS[1]
if redis.call('EXISTS', session) == 0 then return nil end

redis.call('HSET', session, 'owner', ARGV[1])
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[2], 'GT') end
return redis.call('HMGET', session, 'language', 'task', 'prompt', 'next_segment', 'samples')
