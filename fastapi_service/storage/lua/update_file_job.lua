-- Writes fields of a job, unless it was deleted.
-- KEYS: job
-- ARGV: TTL (s), fields as JSON
-- Returns 1, or 0 if there is no such job
local job, ttl_s, fields = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
if redis.call('EXISTS', job) == 0 then return 0 end
for name, value in pairs(fields) do redis.call('HSET', job, name, value) end
redis.call('EXPIRE', job, ttl_s)
return 1
