-- Note that the connection which owns a session has ended. A resume gives the session another owner.
-- KEYS: session
-- ARGV: owner, when (Unix ms)
-- Returns left | fenced
local session = KEYS[1]
local owner, at_ms = ARGV[1], ARGV[2]
if redis.call('HGET', session, 'owner') ~= owner then return 'fenced' end -- also one that has expired
redis.call('HSET', session, 'ended', owner, 'ended_at', at_ms)
return 'left'
