-- Take the longest of the leads that ended connections have left.
-- KEYS: leads, each by the time (Unix seconds) at which it is over
-- Returns the seconds until then, as text; 0 if there is none
local leads = KEYS[1]

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

redis.call('ZREMRANGEBYSCORE', leads, '-inf', now)
local longest = redis.call('ZPOPMAX', leads)
return tostring(longest[2] and longest[2] - now or 0)
