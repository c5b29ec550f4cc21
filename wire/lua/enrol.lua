-- Put one utterance into the ledger: audio, entry and the session's progress, all or nothing.
-- KEYS: session, entry, audio, pending
-- ARGV: owner, segment, samples acknowledged by this, job, pcm, audio TTL (s), session TTL (s), most pending, member
-- Returns enrolled | duplicate | fenced | full
local session, entry, audio, pending = unpack(KEYS)
local segment, samples = tonumber(ARGV[2]), tonumber(ARGV[3])

-- Only the connection that owns the session may write: a resumed session has a newer owner.
if redis.call('HGET', session, 'owner') ~= ARGV[1] then return 'fenced' end

-- A repeated call (its answer was lost) changes nothing.
if segment < tonumber(redis.call('HGET', session, 'next_segment')) then return 'duplicate' end
if redis.call('ZCARD', pending) >= tonumber(ARGV[8]) then return 'full' end

local now = redis.call('TIME')
local seconds = now[1] + now[2] / 1e6
redis.call('SET', audio, ARGV[5], 'EX', ARGV[6])
redis.call('HSET', entry, 'stage', 'stt', 'job', ARGV[4], 'attempts', 0, 'sent_at', seconds)
redis.call('ZADD', pending, seconds, ARGV[9])
redis.call('HSET', session, 'next_segment', segment + 1, 'samples', samples)
redis.call('EXPIRE', session, ARGV[7])
return 'enrolled'
