-- Let another worker have the turn of a session whose request is still there, at its old place.
-- KEYS: sessions that wait, and the request of this one
local waiting, request = unpack(KEYS)
local session = ARGV[1]
local place = ARGV[2] -- Unix seconds
local ttl_s = ARGV[3]
if redis.call('EXISTS', request) == 0 then return 0 end

pcall(redis.set_repl, redis.REPL_NONE)
redis.call('ZADD', waiting, 'NX', place, session)
redis.call('EXPIRE', waiting, ttl_s)
return 1
