-- A connection takes a session over: from here on, the former owner writes nothing more.
-- KEYS: session, and what has to live as long
-- ARGV: owner, TTL (s)
-- Returns {language, task, prompt, next_segment, samples, languages, ahead, person, name, role}, or nil when there is no
-- such session
local session = KEYS[1]
local owner, ttl_s = ARGV[1], ARGV[2]

if redis.call('EXISTS', session) == 0 then return nil end

redis.call('HSET', session, 'owner', owner)
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ttl_s, 'GT') end
return redis.call('HMGET', session, 'language', 'task', 'prompt', 'next_segment', 'samples', 'languages', 'ahead',
  'person', 'name', 'role')
