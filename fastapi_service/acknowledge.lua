-- Note how far a session's audio is safe, if this connection still owns the session.
-- KEYS: session
-- ARGV: owner, samples, TTL (s)
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
if tonumber(ARGV[2]) > tonumber(redis.call('HGET', KEYS[1], 'samples')) then
  redis.call('HSET', KEYS[1], 'samples', ARGV[2])
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
