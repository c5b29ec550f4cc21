-- Keep the grant with which a session began, and list the session under it. Safe to repeat, as with each resume.
-- KEYS: session, list of all sessions
-- ARGV: grant (JSON), TTL of a grant without a session (s), name of the grant or '', the session's members in the lists
-- without and with that name, list of the grant's sessions, TTL of the lists (s)
-- Returns 1
local session, all = KEYS[1], KEYS[2]
local grant, orphan_ttl_s, began_by, unnamed, named, own, list_ttl_s = unpack(ARGV)

redis.call('HSET', session, 'grant', grant)
redis.call('EXPIRE', session, orphan_ttl_s, 'NX') -- a session has its own time already
local began_at = redis.call('HGET', session, 'began_at')
if began_by ~= '' and began_at then -- else it was deleted meanwhile, or an older gateway began it
  redis.call('HSET', session, 'began_by', began_by)
  redis.call('ZREM', all, unnamed)
  redis.call('ZADD', all, began_at, named)
  redis.call('ZADD', own, began_at, named)
  redis.call('EXPIRE', all, list_ttl_s) -- its only member may have been the one without the name
  redis.call('EXPIRE', own, list_ttl_s)
end
return 1
