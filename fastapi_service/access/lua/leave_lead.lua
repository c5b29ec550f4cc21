-- Leave the lead of a connection that has ended; of too many, the longest stay.
-- KEYS: leads, each by the time (Unix seconds) at which it is over
-- ARGV: connection, seconds until its lead is over, most leads, seconds until all of them are over
local leads = KEYS[1]
local connection, seconds, most, expire_s = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

redis.call('ZADD', leads, now + seconds, connection)
redis.call('ZREMRANGEBYRANK', leads, 0, -most - 1)
redis.call('EXPIRE', leads, expire_s)
