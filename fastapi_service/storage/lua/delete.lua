-- Delete sessions: what can be read of them goes at once, and marks keep everybody from writing for them.
-- KEYS: deleting, list of all sessions, the session that is named by the caller, and the list of its room's sessions, if
-- it has a room
-- ARGV: digest of the caller's token, TTL of the marks (s), sessions and other keys as JSON, see deletion.py
-- Returns deleted | changed (somebody has joined the room since it was read) | unknown (the session has expired)
local deleting, all, session, room_sessions = unpack(KEYS)
local digest, mark_ttl_s, plan = ARGV[1], ARGV[2], cjson.decode(ARGV[3])

if redis.call('HGET', session, 'token') ~= digest then return 'unknown' end
if room_sessions and redis.call('LLEN', room_sessions) ~= #plan.sessions then return 'changed' end

local now = redis.call('TIME')
local seconds = now[1] + now[2] / 1e6
for _, member in ipairs(plan.sessions) do
  local token, began_by = unpack(redis.call('HMGET', member.session, 'token', 'began_by'))
  redis.call('SET', member.deleted, token or '', 'EX', mark_ttl_s) -- of one that has expired, nothing else is left
  redis.call('ZREM', all, member.id)
  if began_by then
    redis.call('ZREM', all, member.id .. ' ' .. began_by)
    redis.call('ZREM', all .. ':' .. began_by, member.id .. ' ' .. began_by)
  end
end
for _, audience in ipairs(plan.audiences) do redis.call('ZADD', deleting, seconds, audience) end
for _, key in ipairs(plan.keys) do redis.call('UNLINK', key) end
return 'deleted'
