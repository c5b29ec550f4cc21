-- Adds one utterance to the ledger: audio, entry and the session's progress, all or nothing.
-- KEYS: entry, audio, pending, outstanding, session, order, and the other keys that live as long as the session
-- Returns admitted | duplicate | fenced | full | unknown
local entry, audio, pending, outstanding, session, order = unpack(KEYS)
local FIRST_SESSION_KEY = 5
local owner = ARGV[1]
local segment = tonumber(ARGV[2])
local samples = tonumber(ARGV[3]) -- acknowledged once this is written
local job = ARGV[4]
local pcm = ARGV[5]
local audio_ttl_s = ARGV[6]
local session_ttl_s = ARGV[7]
local order_ttl_s = ARGV[8]
local max_pending = tonumber(ARGV[9]) -- utterances of all sessions, by the class of this one
local member = ARGV[10]
local end_ms = ARGV[11] -- of the utterance
local max_per_session = tonumber(ARGV[12]) -- utterances, by the class of this one
local ahead = ARGV[13] -- 1 if the session is ahead of real time, otherwise 0
local stage = ARGV[14] -- the first one
local keep_language = ARGV[15] -- for the session; '' for none

-- Only the connection that owns the session may write: a resumed session has a newer owner.
local current_owner, next_segment = unpack(redis.call('HMGET', session, 'owner', 'next_segment'))
if not current_owner or not next_segment then return 'unknown' end
if current_owner ~= owner then return 'fenced' end

-- A repeated call (its answer was lost) changes nothing.
if segment < tonumber(next_segment) then return 'duplicate' end
local now = redis.call('TIME')
local seconds = now[1] + now[2] / 1e6

if redis.call('ZCARD', pending) >= max_pending or redis.call('ZCARD', outstanding) >= max_per_session then
  return 'full'
end

if stage == 'stt' then redis.call('SET', audio, pcm, 'EX', audio_ttl_s) end
if keep_language ~= '' then redis.call('HSET', session, 'detected_language', keep_language) end
redis.call('HSET', entry, 'stage', stage, 'job', job, 'attempts', 0, 'sent_at', seconds)
redis.call('ZADD', pending, seconds, member)
redis.call('ZADD', outstanding, end_ms, member)
redis.call('HSET', session, 'next_segment', segment + 1, 'samples', samples, 'ahead', ahead)
for key = FIRST_SESSION_KEY, #KEYS do redis.call('EXPIRE', KEYS[key], session_ttl_s, 'GT') end
redis.call('EXPIRE', order, order_ttl_s, 'GT')
return 'admitted'
