-- Put one utterance into the ledger: audio, entry and the session's progress, all or nothing.
-- KEYS: entry, audio, pending, outstanding, session, order, and what else has to live as long as the session
-- ARGV: owner, segment, samples acknowledged by this, job, pcm, audio TTL (s), session TTL (s), order TTL (s),
--       most pending, member, its end (ms of audio), most of a session that is ahead of real time, how far that is (s),
--       most of any session, stage it begins with, language to keep for the session ('' for none)
-- Returns enrolled | duplicate | fenced | full | unknown
local entry, audio, pending, outstanding, session, order = unpack(KEYS)
local segment, samples = tonumber(ARGV[2]), tonumber(ARGV[3])
local owner, next_segment = unpack(redis.call('HMGET', session, 'owner', 'next_segment'))

-- Only the connection that owns the session may write: a resumed session has a newer owner.
if not owner or not next_segment then return 'unknown' end
if owner ~= ARGV[1] then return 'fenced' end

-- A repeated call (its answer was lost) changes nothing.
if segment < tonumber(next_segment) then return 'duplicate' end
local now = redis.call('TIME')
local seconds = now[1] + now[2] / 1e6

-- Whether more audio than time has passed since the session's oldest outstanding utterance.
local function ahead()
  local oldest, oldest_end = unpack(redis.call('ZRANGE', outstanding, 0, 0, 'WITHSCORES'))
  local enrolled_at = tonumber(redis.call('ZSCORE', pending, oldest) or 0)
  return (ARGV[11] - oldest_end) / 1000 > seconds - enrolled_at + ARGV[13]
end

local held = redis.call('ZCARD', outstanding)
if redis.call('ZCARD', pending) >= tonumber(ARGV[9]) or held >= tonumber(ARGV[14])
    or held >= tonumber(ARGV[12]) and ahead() then
  return 'full'
end

if ARGV[15] == 'stt' then redis.call('SET', audio, ARGV[5], 'EX', ARGV[6]) end
if ARGV[16] ~= '' then redis.call('HSETNX', session, 'language', ARGV[16]) end
redis.call('HSET', entry, 'stage', ARGV[15], 'job', ARGV[4], 'attempts', 0, 'sent_at', seconds)
redis.call('ZADD', pending, seconds, ARGV[10])
redis.call('ZADD', outstanding, ARGV[11], ARGV[10])
redis.call('HSET', session, 'next_segment', segment + 1, 'samples', samples)
for key = 5, #KEYS do redis.call('EXPIRE', KEYS[key], ARGV[7], 'GT') end
redis.call('EXPIRE', order, ARGV[8], 'GT')
return 'enrolled'
