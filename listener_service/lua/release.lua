-- Release results: state, ledger, log, channels and acknowledgement change together, or not at all.
-- KEYS: result stream, pending
-- ARGV: plan as JSON, see release.py
-- Returns 1, or 0 when somebody else changed the state that the plan was made from
local plan = cjson.decode(ARGV[1])
local results, pending = KEYS[1], KEYS[2]

for _, state in ipairs(plan.states) do
  if (redis.call('HGET', state.key, 'version') or '0') ~= state.read then return 0 end
end

-- The id of an envelope and of the one before it let a subscriber notice what it missed.
local function publish(channel, body)
  local stream = plan.streams[channel]
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  local id = redis.call('XADD', stream, 'MAXLEN', '~', plan.stream_length, '*', 'data', body)
  redis.call('EXPIRE', stream, plan.log_ttl)
  local ids = '{"id":"' .. id .. '","previous":"' .. (last[1] and last[1][1] or '0-0') .. '",'
  redis.call('PUBLISH', channel, ids .. string.sub(body, 2))
end

local function next_seq(log)
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
  return last[1] and tonumber(string.match(last[1][1], '^%d+')) + 1 or 1
end

for _, state in ipairs(plan.states) do
  redis.call('HSET', state.key, 'version', state.read + 1, 'data', state.data)
  if state.message then redis.call('HSET', state.key, 'message', state.message) end
  if state.ttl > 0 then redis.call('EXPIRE', state.key, state.ttl) end
end
for _, result in ipairs(plan.results) do
  local seq = next_seq(result.log)
  redis.call('XADD', result.log, 'MAXLEN', '~', plan.log_length, seq .. '-0', 'data', result.message)
  redis.call('EXPIRE', result.log, plan.log_ttl)
  publish('result_messages',
    '{"audience":' .. result.audience .. ',"seq":' .. seq .. ',"message":' .. result.message .. '}')
end
for _, statistics in ipairs(plan.statistics) do
  publish('final_stats', '{"audience":' .. statistics.audience .. ',"message":' .. statistics.message .. '}')
end

-- A result that waits for an earlier one is safe in the state; it leaves the ledger with its release.
local accepted = plan.accepted
if redis.call('ZSCORE', pending, accepted.member) then redis.call('HSET', accepted.entry, 'stage', 'done') end
for _, utterance in ipairs(plan.released) do
  redis.call('ZREM', pending, utterance.member)
  redis.call('ZREM', plan.outstanding, utterance.member)
  redis.call('DEL', utterance.entry, utterance.audio)
end
redis.call('XACK', results, plan.group, plan.source)
redis.call('XDEL', results, plan.source)
return 1
