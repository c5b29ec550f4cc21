-- Moves an utterance from stage stt to analysis, once its transcript exists, and deletes its audio.
-- KEYS: entry, session, audio
-- Returns advanced, or raised if the utterance has become live since its job was sent; gone if the stage was over already
local entry, session, audio = unpack(KEYS)
local job = ARGV[1] -- of the next stage
local keep_language = ARGV[2] -- for the session; '' for none
if redis.call('HGET', entry, 'stage') ~= 'stt' then return 'gone' end

local now = redis.call('TIME')
redis.call('HSET', entry, 'stage', 'analysis', 'job', job, 'attempts', 0, 'sent_at', now[1] + now[2] / 1e6)
redis.call('HDEL', entry, 'claimed_by', 'claimed_at', 'error')
redis.call('DEL', audio)
if keep_language ~= '' and redis.call('EXISTS', session) == 1 then
  redis.call('HSET', session, 'detected_language', keep_language)
end
return redis.call('HEXISTS', entry, 'live') == 1 and 'raised' or 'advanced'
