-- Raises what a session sent faster than real time to the live class: later results wait for it.
-- KEYS: session, then the entries of the session's outstanding utterances
-- Returns the jobs among them that no worker has claimed, to be sent again
local session = KEYS[1]
local owner = ARGV[1]
if redis.call('HGET', session, 'owner') ~= owner then return {} end

local now = redis.call('TIME')
local unclaimed = {}
for key = 2, #KEYS do
  local stage, job, claimed_by, live = unpack(redis.call('HMGET', KEYS[key], 'stage', 'job', 'claimed_by', 'live'))
  local readable, fields = pcall(cjson.decode, job or '')
  if readable and fields.ahead and stage ~= 'done' and not live then
    redis.call('HSET', KEYS[key], 'live', 1) -- also for the jobs that a worker makes of this one
    if not claimed_by then
      redis.call('HSET', KEYS[key], 'sent_at', now[1] + now[2] / 1e6)
      unclaimed[#unclaimed + 1] = job
    end
  end
end
redis.call('HSET', session, 'ahead', 0)
return unclaimed
