-- Begin a request for an interim text: of several workers one gets it, and it is gone from Redis.
-- Returns {job, audio}, or {} if it was withdrawn or is stale. What is stale stays: its gateway sees that none has begun.
local request = KEYS[1]
local fresh_ms = tonumber(ARGV[1]) -- time to live from which it is not stale
if redis.call('PTTL', request) <= fresh_ms then return {} end

pcall(redis.set_repl, redis.REPL_NONE)
local fields = redis.call('HMGET', request, 'job', 'pcm')
redis.call('DEL', request)
return fields
