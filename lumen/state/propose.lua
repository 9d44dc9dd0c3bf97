-- Store a new PENDING proposal; a pending one of the same knob gives way in the same step.
-- DEDUPE  the request's memory: the id of the proposal that it made
-- ARGV    3 draft, 4 knob, 5 created at, 6 expires at (both as people read them), 7 milliseconds until it expires,
--         8 acts at or '', 9 milliseconds until it may act by itself or '', 10 approvals needed, 11 actor,
--         12 the decision that supersedes, 13 the decision that expires, 14 milliseconds to remember the request,
--         15 how many proposals to keep
-- Reply   OK id row | LOCKED id state (one of the knob is approved or being applied)
local draft, knob, at, expires_at, actor = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[11]

local made = redis.call('GET', DEDUPE)
if made and get(made, 'state') then return { 'OK', NOW, made, row(made) } end

local older = redis.call('HGET', OPEN, knob)
if older then
  local state = get(older, 'state')
  if state ~= 'PENDING' then return { 'LOCKED', NOW, older, state } end
  if is_overdue(older) then
    decide(older, 'EXPIRED', ARGV[13], at, 'lumen')
  else
    decide(older, 'SUPERSEDED', ARGV[12], at, actor)
  end
end

local number = redis.call('INCR', SEQ)
local id = 'P' .. digits(number)
put(id, 'draft', draft)
put(id, 'knob', knob)
put(id, 'needed', ARGV[10])
put(id, 'state', 'PENDING')
put(id, 'created_at', at)
put(id, 'expires_at', expires_at)
if ARGV[9] ~= '' then
  put(id, 'acts_at', ARGV[8])
  redis.call('ZADD', COUNTDOWNS, digits(now + tonumber(ARGV[9])), id)
end
redis.call('ZADD', DEADLINES, digits(now + tonumber(ARGV[7])), id)
redis.call('ZADD', ORDER, number, id)
redis.call('ZADD', UNFINISHED, number, id)
redis.call('HSET', OPEN, knob, id)
redis.call('SET', DEDUPE, id, 'PX', ARGV[14])
audit(at, 'proposed', id, actor, 'PENDING', draft)
touch(id)

-- The oldest closed ones give way, a few at a time, so that memory stays bounded; the audit still tells of them.
local excess = redis.call('ZCARD', ORDER) - tonumber(ARGV[15])
if excess > 0 then
  for _, old in ipairs(redis.call('ZRANGE', ORDER, 0, math.min(excess, 20) - 1)) do
    if not redis.call('ZSCORE', UNFINISHED, old) then
      for _, fields in ipairs({ FIELDS, HIDDEN }) do
        for _, field in ipairs(fields) do redis.call('HDEL', PROPOSALS, old .. '/' .. field) end
      end
      redis.call('ZREM', ORDER, old)
    end
  end
end
return { 'OK', NOW, id, row(id) }
