-- Add a session to the list of its room, behind those that began before. The first one, which owns the room, stays.
-- KEYS: list
-- ARGV: session, most sessions in the list, TTL (s)
local sessions = KEYS[1]
redis.call('RPUSH', sessions, ARGV[1])
if redis.call('LLEN', sessions) > tonumber(ARGV[2]) then
  redis.call('LREM', sessions, 1, redis.call('LINDEX', sessions, 1))
end
redis.call('EXPIRE', sessions, ARGV[3])
return 1
