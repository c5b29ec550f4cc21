-- Voids the claim of an abandoned job, unless the entry has changed since the sweeper read it.
-- Returns 1 when the job is to be sent again
local entry = KEYS[1]
local seen_claimed_by = ARGV[1] -- as the sweeper read it; '' for none
local seen_sent_at = ARGV[2]
local claimed_by, sent_at = unpack(redis.call('HMGET', entry, 'claimed_by', 'sent_at'))
if not sent_at or (claimed_by or '') ~= seen_claimed_by or sent_at ~= seen_sent_at then return 0 end

local now = redis.call('TIME')
redis.call('HDEL', entry, 'claimed_by', 'claimed_at')
redis.call('HSET', entry, 'sent_at', now[1] + now[2] / 1e6)
return 1
