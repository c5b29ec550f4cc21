-- Note how far a session's audio is safe, if this connection still owns the session.
-- KEYS: session, and what has to live as long
-- ARGV: owner, samples, TTL (s)
-- Returns acknowledged | fenced | unknown
local session = KEYS[1]
local owner, samples = unpack(redis.call('HMGET', session, 'owner', 'samples'))
if not owner then return 'unknown' end
if owner ~= ARGV[1] then return 'fenced' end

if tonumber(ARGV[2]) > tonumber(samples) then redis.call('HSET', session, 'samples', ARGV[2]) end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[3], 'GT') end
return 'acknowledged'
