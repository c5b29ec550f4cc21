-- Claims one stage of an utterance for a worker. Counts attempts, so that audio that ends workers is given up.
-- KEYS: entry, session, high_water
-- Returns {verdict, attempt, language, aged}; verdict: claimed | gone | taken | exhausted; aged: 1 or 0
local entry, session, high_water = unpack(KEYS)
local claimed_stage = ARGV[1]
local worker = ARGV[2] -- its heartbeat key
local max_attempts = tonumber(ARGV[3])
local max_claim_s = tonumber(ARGV[4])
local lane = ARGV[5] -- the stage's jobs of one class, first in, first out

local stage, claimed_by, claimed_at, attempts, sent_at, live, aged_at =
  unpack(redis.call('HMGET', entry, 'stage', 'claimed_by', 'claimed_at', 'attempts', 'sent_at', 'live', 'aged_at'))
if stage ~= claimed_stage then return {'gone', 0, '', 0} end

local now = redis.call('TIME')
local seconds = now[1] + now[2] / 1e6
-- A mark later than now was written before the clock was set back. A job that was raised since says nothing about the
-- lane in which its first copy was sent: it was sent again later than jobs behind that. Nor does one that was aged since:
-- it did not wait for what is before it in the lane.
local mark = tonumber(redis.call('HGET', high_water, lane) or 0)
local raised = live and lane ~= stage
local aged = aged_at and tonumber(aged_at) >= tonumber(sent_at)
if not raised and not aged and tonumber(sent_at) <= seconds and (tonumber(sent_at) > mark or mark > seconds) then
  redis.call('HSET', high_water, lane, sent_at)
end
if claimed_by and claimed_by ~= worker and redis.call('EXISTS', claimed_by) == 1
    and seconds - tonumber(claimed_at) < max_claim_s then
  return {'taken', tonumber(attempts), '', 0}
end
if tonumber(attempts) >= max_attempts then return {'exhausted', tonumber(attempts), '', 0} end

redis.call('HSET', entry, 'claimed_by', worker, 'claimed_at', seconds)
local attempt = redis.call('HINCRBY', entry, 'attempts', 1)
return {'claimed', attempt, redis.call('HGET', session, 'detected_language') or '', aged and 1 or 0}
