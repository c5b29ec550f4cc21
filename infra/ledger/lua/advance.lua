-- The transcript is known: the utterance now waits for its analysis, and its audio is no longer needed.
-- KEYS: entry, session, audio
-- ARGV: job of the next stage, language to keep for the session ('' for none)
-- Returns 1, or 0 when the stage was over already
local entry, session, audio = unpack(KEYS)
if redis.call('HGET', entry, 'stage') ~= 'stt' then return 0 end

local now = redis.call('TIME')
redis.call('HSET', entry, 'stage', 'analysis', 'job', ARGV[1], 'attempts', 0, 'sent_at', now[1] + now[2] / 1e6)
redis.call('HDEL', entry, 'claimed_by', 'claimed_at', 'error')
redis.call('DEL', audio)
if ARGV[2] ~= '' and redis.call('EXISTS', session) == 1 then redis.call('HSETNX', session, 'language', ARGV[2]) end
return 1
