-- Let a request of a key in, or refuse it: so many in a minute, all at once or evenly. A refused one costs nothing.
-- KEYS: time (Unix seconds) at which those that were let in are used up
-- ARGV: requests a minute
-- Returns 0, or the seconds after which to come back
local key, requests = KEYS[1], tonumber(ARGV[1])
local minute, exact = 60, 0.001

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

local used_up = math.max(now, tonumber(redis.call('GET', key) or 0)) + minute / requests
local wait = used_up - now - minute
if wait > exact then return math.ceil(wait) end
redis.call('SET', key, string.format('%.6f', used_up), 'EX', minute)
return 0
