-- The sweeper takes an abandoned job, unless a worker was quicker.
-- KEYS: entry
-- ARGV: claimed_by and sent_at as the sweeper saw them ('' for none)
-- Returns 1 when the job is to be sent again
local claimed_by, sent_at = unpack(redis.call('HMGET', KEYS[1], 'claimed_by', 'sent_at'))
if not sent_at or (claimed_by or '') ~= ARGV[1] or sent_at ~= ARGV[2] then return 0 end

local now = redis.call('TIME')
redis.call('HDEL', KEYS[1], 'claimed_by', 'claimed_at')
redis.call('HSET', KEYS[1], 'sent_at', now[1] + now[2] / 1e6)
return 1
