-- Take a request for an interim text back, unless a worker has begun it or a newer one is in its place.
-- KEYS: sessions that wait, and the request of this one
-- Returns 1 if no worker has begun it
local waiting, request = unpack(KEYS)
local session = ARGV[1]
local revision = ARGV[2]
if redis.call('HGET', request, 'revision') ~= revision then return 0 end

pcall(redis.set_repl, redis.REPL_NONE)
redis.call('DEL', request)
redis.call('ZREM', waiting, session)
return 1
