-- A worker gives a claim back after a failure; sent_at 0 asks the sweeper to send the job again at once.
-- KEYS: entry
-- ARGV: worker's heartbeat key, error
if redis.call('HGET', KEYS[1], 'claimed_by') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'claimed_by', 'claimed_at')
redis.call('HSET', KEYS[1], 'sent_at', 0, 'error', ARGV[2])
return 1
