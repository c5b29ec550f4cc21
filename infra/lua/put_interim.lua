-- Request an interim text, in place of an earlier request of the session. Neither the append-only file nor a replica gets it.
-- KEYS: sessions that wait, the request of this one, and the mark of a session that was deleted
-- Returns 1, or 0 if the session was deleted, or as many wait as may
local waiting, request, deleted = unpack(KEYS)
local session = ARGV[1]
local revision = ARGV[2]
local job = ARGV[3]
local pcm = ARGV[4]
local ttl_s = tonumber(ARGV[5])
local max_waiting = tonumber(ARGV[6])
if redis.call('EXISTS', deleted) == 1 then return 0 end

pcall(redis.set_repl, redis.REPL_NONE)
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
redis.call('ZREMRANGEBYSCORE', waiting, '-inf', now - ttl_s)
if not redis.call('ZSCORE', waiting, session) and redis.call('ZCARD', waiting) >= max_waiting then return 0 end
redis.call('DEL', request)
redis.call('HSET', request, 'revision', revision, 'job', job, 'pcm', pcm)
redis.call('EXPIRE', request, ttl_s)
redis.call('ZADD', waiting, 'NX', now, session) -- a newer request keeps the place of the one before
redis.call('EXPIRE', waiting, ttl_s)
return 1
