-- Notes that a copy of a job is sent that takes turns with interim texts, unless the entry has changed.
-- Returns 1 when the copy is to be sent
local entry = KEYS[1]
local seen_sent_at = ARGV[1] -- as the sweeper read it
local stage, claimed_by, sent_at = unpack(redis.call('HMGET', entry, 'stage', 'claimed_by', 'sent_at'))
if stage ~= 'stt' or claimed_by or sent_at ~= seen_sent_at then return 0 end

local now = redis.call('TIME')
redis.call('HSET', entry, 'aged_at', now[1] + now[2] / 1e6)
return 1
