-- Gives a claim back after a failure; sent_at 0 makes the sweeper send the job again at once.
-- Returns 1, or 0 when the worker does not hold the claim
local entry = KEYS[1]
local worker = ARGV[1] -- its heartbeat key
local error = ARGV[2]
if redis.call('HGET', entry, 'claimed_by') ~= worker then return 0 end
redis.call('HDEL', entry, 'claimed_by', 'claimed_at')
redis.call('HSET', entry, 'sent_at', 0, 'error', error)
return 1
