-- Let a connection into sets with limits, all or none, or renew it there. Connections that are not renewed are forgotten.
-- KEYS: the sets
-- ARGV: connection, seconds until it is forgotten, the limit of each set (0: none)
-- Returns 0, or the number of the first set that is full
local connection, forget_s = ARGV[1], tonumber(ARGV[2])

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

for number, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local limit = tonumber(ARGV[number + 2])
  if limit > 0 and redis.call('ZCARD', key) >= limit and not redis.call('ZSCORE', key, connection) then return number end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + forget_s, connection)
  redis.call('EXPIRE', key, forget_s)
end
return 0
