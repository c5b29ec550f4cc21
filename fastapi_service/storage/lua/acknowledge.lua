-- Note how far a session's audio is safe, if this connection still owns the session.
-- KEYS: session, and what has to live as long
-- ARGV: owner, samples, TTL (s)
-- Returns acknowledged | fenced | unknown
local session = KEYS[1]
local owner, samples, ttl_s = ARGV[1], ARGV[2], ARGV[3]

local current_owner, known_samples = unpack(redis.call('HMGET', session, 'owner', 'samples'))
if not current_owner then return 'unknown' end
if current_owner ~= owner then return 'fenced' end

if tonumber(samples) > tonumber(known_samples) then redis.call('HSET', session, 'samples', samples) end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ttl_s, 'GT') end
return 'acknowledged'
