-- Store a value that may be lost: neither the append-only file nor a replica gets it.
-- KEYS: the value, and the mark of a session that was deleted
-- ARGV: seconds to live, then a string, or the fields and values of a hash
-- Returns 1, or 0 if the session was deleted
local key, deleted = KEYS[1], KEYS[2]
local ttl_s = ARGV[1]
if redis.call('EXISTS', deleted) == 1 then return 0 end

pcall(redis.set_repl, redis.REPL_NONE) -- a server that refuses this keeps the value in its file for a while
redis.call('DEL', key)
if #ARGV == 2 then
  redis.call('SET', key, ARGV[2], 'EX', ttl_s)
else
  redis.call('HSET', key, unpack(ARGV, 2))
  redis.call('EXPIRE', key, ttl_s)
end
return 1
