-- Release results: state, totals, ledger, log, channels and acknowledgement change together, or not at all.
-- KEYS: result stream, pending, totals
-- ARGV: plan as JSON, see release.py
-- Returns released, or changed when the state is another one than the plan was made from, or deleted when the
-- session was, and nothing is written for it
local result_stream, pending, totals = unpack(KEYS)
local plan = cjson.decode(ARGV[1])

local function remove(utterance)
  redis.call('ZREM', pending, utterance.member)
  redis.call('ZREM', plan.outstanding, utterance.member)
  redis.call('DEL', utterance.entry, utterance.audio, utterance.voiceprint)
end

local function acknowledge()
  redis.call('XACK', result_stream, plan.group, plan.stream_id)
  redis.call('XDEL', result_stream, plan.stream_id)
end

-- A worker may have been busy with it when the session was deleted.
if redis.call('EXISTS', plan.deleted) == 1 then
  remove(plan.accepted)
  acknowledge()
  return 'deleted'
end

for _, state in ipairs(plan.states) do
  if (redis.call('HGET', state.key, state.prefix .. 'version') or '0') ~= state.version then return 'changed' end
end

-- JSON object of names and values in turn; the values are JSON already.
local function envelope(fields)
  local members = {}
  for i = 1, #fields, 2 do members[#members + 1] = '"' .. fields[i] .. '":' .. fields[i + 1] end
  return '{' .. table.concat(members, ',') .. '}'
end

-- Until the release after next: a gateway that is older than a channel for each audience follows one for all of them, and
-- a stream beside it. While it does, it gets each envelope there, with its id and that of the one before it.
local function publish_to_older(channel, fields)
  if redis.call('PUBSUB', 'NUMSUB', channel)[2] == 0 then return end
  local stream = plan.streams[channel]
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  local previous = last[1] and last[1][1] or '0-0'
  local id = redis.call('XADD', stream, 'MAXLEN', '~', plan.stream_length, '*', 'data', envelope(fields))
  redis.call('PUBLISH', channel,
    envelope({'id', cjson.encode(id), 'previous', cjson.encode(previous), unpack(fields)}))
end

local function publish(family, channel, fields)
  redis.call('PUBLISH', channel, envelope(fields))
  publish_to_older(family, fields)
end

local function next_seq(log)
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
  return last[1] and tonumber(string.match(last[1][1], '^%d+')) + 1 or 1
end

for _, state in ipairs(plan.states) do
  local fields = { state.prefix .. 'version', state.version + 1 }
  for name, value in pairs(state.fields) do
    fields[#fields + 1] = state.prefix .. name
    fields[#fields + 1] = value
  end
  redis.call('HSET', state.key, unpack(fields))
  redis.call('EXPIRE', state.key, state.ttl)
end
for field, number in pairs(plan.totals) do redis.call('HINCRBY', totals, field, number) end
for _, result in ipairs(plan.results) do
  local seq = next_seq(result.log)
  redis.call('XADD', result.log, 'MAXLEN', '~', plan.log_length, seq .. '-0', 'data', result.message)
  redis.call('EXPIRE', result.log, plan.log_ttl)
  publish('result_messages', result.channel, {'audience', result.audience, 'seq', seq, 'message', result.message})
end
for _, statistics in ipairs(plan.statistics) do
  local fields = {'audience', statistics.audience, 'message', plan.states[statistics.message].fields.message}
  if statistics.person then fields[5], fields[6] = 'person', plan.states[statistics.person].fields.message end
  publish('final_stats', statistics.channel, fields)
end

-- A result that waits for an earlier one is stored in the state; its utterance leaves the ledger when it is released.
local accepted = plan.accepted
if redis.call('ZSCORE', pending, accepted.member) then redis.call('HSET', accepted.entry, 'stage', 'done') end
for _, utterance in ipairs(plan.released) do remove(utterance) end
acknowledge()
return 'released'
