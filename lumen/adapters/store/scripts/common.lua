-- Stands before every script of this room (scripts.py joins them).
--
-- KEYS   the keys of one service in the order of keys.py (all share one hash tag, so a cluster can run this),
--        then, for some scripts, DEDUPE: the memory of one click or one request.
-- ARGV   1 schemas   the layouts that the caller works with, each between commas
--        2 not after milliseconds of the store's clock; '' for reads. The caller has given up by then, so a command
--                    that arrives later must do nothing.
--        3…          the script's own, named at its top.
-- Reply  { status, now in milliseconds, … }. Every status but OK means that nothing was changed.
--
-- A runtime error in the middle of a script would leave it half done, so each script checks first and writes last.
local EPOCH, SEQ, PROPOSALS, OPEN, ORDER, UNFINISHED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local DEADLINES, COUNTDOWNS, AUDIT, SEALS = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local MARKS, DIRTY, SHOWN, SHOWN_AT = KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local LEASE_TOKENS, LEASE_UNTIL, SLOTS, TURNS, TURN_ORDER = KEYS[15], KEYS[16], KEYS[17], KEYS[18], KEYS[19]
local OBSERVATIONS, ALERTS, ALERT_ORDER, ALERTS_OPEN, STANDING = KEYS[20], KEYS[21], KEYS[22], KEYS[23], KEYS[24]
local DAYS, OWED = KEYS[25], KEYS[26]
local DEDUPE = KEYS[27]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- Lua prints large numbers as 1.7e+12; the store wants digits.
local function digits(number) return string.format('%.0f', number) end

local NOW = digits(now)

local schema = redis.call('HGET', EPOCH, 'schema')
if not schema or not string.find(ARGV[1], ',' .. schema .. ',', 1, true) then return { 'EPOCH', NOW, schema } end
if ARGV[2] ~= '' and now > tonumber(ARGV[2]) then return { 'TOO_LATE', NOW } end

-- The fields of a proposal in the order in which proposals.py reads them. Its mark is the epoch's id and random digits.
local FIELDS = {
  'draft', 'state', 'created_at', 'expires_at', 'acts_at', 'decision', 'decided_at', 'note', 'finished_at', 'version',
  'votes', 'measured', 'mark', 'snoozes', 'shown_in',
}
-- Fields that only scripts read: the knob, the approvals that are needed, the incident that it is meant to end.
local HIDDEN = { 'knob', 'needed', 'incident' }

local function get(id, field) return redis.call('HGET', PROPOSALS, id .. '/' .. field) end

local function put(id, field, value) redis.call('HSET', PROPOSALS, id .. '/' .. field, value) end

local function row(id)
  local names = {}
  for at, field in ipairs(FIELDS) do names[at] = id .. '/' .. field end
  return redis.call('HMGET', PROPOSALS, unpack(names))
end

-- What `surface` shows is behind. Those that wait stand in the order in which they were first marked: each score is
-- one above the highest, because two marks may share a millisecond and clocks go back.
local function mark(surface)
  redis.call('HINCRBY', MARKS, surface, 1)
  local last = redis.call('ZREVRANGE', DIRTY, 0, 0, 'WITHSCORES')[2] or '0'
  redis.call('ZADD', DIRTY, 'NX', digits(tonumber(last) + 1), surface)
end

-- The message that it stands in must be edited, and the report, which may have its buttons; readers see a newer version.
-- One of its own that it had before it came to stand in an incident's says so.
local function touch(id)
  redis.call('HINCRBY', PROPOSALS, id .. '/version', 1)
  local incident, own = get(id, 'shown_in') or '', 'proposal/' .. id
  if incident ~= '' then mark('alert/' .. incident) end
  if incident == '' or redis.call('HEXISTS', MARKS, own) == 1 then mark(own) end
  local report = redis.call('HGET', SLOTS, 'report surface')
  if report then mark('report/' .. report) end
end

local function stored_alert(id)
  local alert = redis.call('HGET', ALERTS, 'alert/' .. id)
  return alert and cjson.decode(alert)
end

-- The alerts that are open, as they are stored.
local function open_alerts()
  local found = {}
  for _, id in ipairs(redis.call('ZRANGE', ALERTS_OPEN, 0, -1)) do found[#found + 1] = stored_alert(id) or nil end
  return found
end

local function is_open_incident(id)
  for _, open in ipairs(open_alerts()) do
    if open.incident == id then return true end
  end
  return false
end

-- The incident in whose message a proposal stands: the one that it is meant to end, or of the traffic the one whose
-- page is open; '' where it has a message of its own.
local function shown_in(knob, ends)
  local alert = ends ~= '' and stored_alert(ends)
  if alert then return alert.incident end
  for _, open in ipairs(knob == 'traffic' and open_alerts() or {}) do
    if open.alert.severity == 'page' and open.alert.kind == 'availability' then return open.incident end
  end
  return ''
end

-- Whether a card with the mark `own` is of another proposal than the one that has its id now: ids begin again when the
-- store is lost, or restored from a copy. '': whoever asks has read the proposal itself. What an older Lumen stored has
-- no mark, and '-' stands for it.
local function is_other(id, own)
  if own == '' then return false end
  if get(id, 'state') then return (get(id, 'mark') or '-') ~= own end
  return string.match(own, '^[^.]*') ~= redis.call('HGET', EPOCH, 'id')
end

-- What is told in the thread of an incident's message: what people and timers did about it, and how it was carried out.
local TOLD = { decided = true, voted = true, snoozed = true, proposed = true, advanced = true }
local TOLD_STEPS = { APPLIED = true, FAILED = true, ABANDONED = true, UNDONE = true }
local TOLD_OF_INCIDENT = { taken = true, ['handed-over'] = true, ['given-back'] = true, labelled = true }

-- The incidents that a line of the audit is about, each once.
local function incidents_of(event, id, actor, detail)
  if id ~= '' then
    local is_told = TOLD[event] and (actor ~= 'lumen' or TOLD_STEPS[detail])
    return is_told and { get(id, 'shown_in') or '' } or {}
  end
  if TOLD_OF_INCIDENT[event] then return { detail } end
  local found, seen = {}, {}
  local is_of_silence = actor ~= 'lumen' and (event == 'silenced' or event == 'silence-ended')
  for _, open in ipairs(is_of_silence and open_alerts() or {}) do
    local name = string.match(detail, '^%S+')
    local is_meant = name == open.alert.kind or name == open.alert.kind .. '/' .. open.alert.signal
    if is_meant and not seen[open.incident] then
      seen[open.incident] = true
      found[#found + 1] = open.incident
    end
  end
  return found
end

local function audit(at, event, id, actor, detail, data)
  local line = redis.call('XADD', AUDIT, '*', 'at', at, 'event', event, 'proposal', id, 'actor', actor, 'detail', detail,
    'data', data)
  for _, incident in ipairs(incidents_of(event, id, actor, detail)) do
    if incident ~= '' then
      mark('alert/' .. incident)
      -- A silence that is about this one incident has its own line there, with its button (control_put.lua).
      local is_line = event == 'silenced' and string.find(data, '"incident":"' .. incident .. '"', 1, true)
      if not is_line then mark('done/' .. incident .. '#' .. line) end
    end
  end
end

-- What a click came to is remembered under DEDUPE: '-' it may never arrive any more, else the outcome and to which
-- proposal it came. Whom the answer is `owed` to (empty: nobody) is kept until it is given, also by another process.
local function remember(outcome, id, ms, click, owed)
  redis.call('SET', DEDUPE, outcome .. ' ' .. id, 'PX', ms)
  if owed ~= '' then redis.call('HSET', OWED, click, NOW .. ' ' .. owed) end
  return { 'OK', NOW, outcome, id, row(id) }
end

-- The reply to a click that came before, or nil.
local function remembered()
  local known = redis.call('GET', DEDUPE)
  if known == '-' then return { 'TOMBSTONE', NOW } end
  if not known then return nil end
  local outcome, id = string.match(known, '^(%S+) (%S+)$')
  return { 'OK', NOW, outcome, id, row(id) }
end

-- A fencing token: newer than all before it, also than those that a failover has forgotten.
local function next_token()
  local last = redis.call('HGET', EPOCH, 'fence') or '0'
  local token = digits(math.max(tonumber(last) + 1, clock[1] * 1000000 + clock[2]))
  redis.call('HSET', EPOCH, 'fence', token)
  return token
end

-- Whether the caller holds the lease now: not run out, and nobody has had it since.
local function holds(name, token)
  local till = redis.call('ZSCORE', LEASE_UNTIL, name)
  return till and tonumber(till) > now and redis.call('HGET', LEASE_TOKENS, name) == token
end

-- Mark a claimed slot done for ever, and by whose claim.
local function close_slot(schedule, slot, token)
  local done = redis.call('HGET', SLOTS, schedule)
  if done and tonumber(slot) <= tonumber(done) then return end
  redis.call('HSET', SLOTS, schedule, slot, schedule .. '/by', token)
end

-- Whether somebody holds a lease that is taken for `ms` at a time. One that ends far later than such leases do is of
-- before the store's clock stepped back: whoever lives gives it a true end at its next renewal, the dead do not.
local STEPPED_MS = 120000

local function is_held(name, ms)
  local till = redis.call('ZSCORE', LEASE_UNTIL, name)
  return till and tonumber(till) > now and tonumber(till) <= now + tonumber(ms) + STEPPED_MS
end

local function is_overdue(id)
  local deadline = redis.call('ZSCORE', DEADLINES, id)
  return deadline and tonumber(deadline) <= now
end

-- Nothing more will be decided or carried out, so the knob is free.
local function close(id, at)
  put(id, 'finished_at', at)
  redis.call('ZREM', UNFINISHED, id)
  if redis.call('HGET', OPEN, get(id, 'knob')) == id then redis.call('HDEL', OPEN, get(id, 'knob')) end
end

-- The one decision. Callers have checked that the proposal is PENDING.
local function decide(id, state, decision, at, actor)
  put(id, 'state', state)
  put(id, 'decision', decision)
  put(id, 'decided_at', at)
  redis.call('ZREM', DEADLINES, id)
  redis.call('ZREM', COUNTDOWNS, id)
  if state ~= 'APPROVED' and state ~= 'APPROVED_BY_TIMER' then close(id, at) end
  audit(at, 'decided', id, actor, state, decision)
  touch(id)
end

-- Store a new PENDING proposal and return its id. Callers have freed its knob. Its values stand in ARGV from `first`:
-- draft, knob, created at, expires at (both as people read them), milliseconds until it expires, acts at or '',
-- milliseconds until it may act by itself or '', approvals needed, actor, milliseconds to remember the request,
-- how many proposals to keep, the incident or '', random digits.
local function create(first)
  local draft, knob, at, expires_at, expires_ms, acts_at, acts_ms, needed, actor, request_ms, keep, incident,
    random = unpack(ARGV, first, first + 12)
  local number = redis.call('INCR', SEQ)
  local id = 'P' .. digits(number)
  put(id, 'draft', draft)
  put(id, 'knob', knob)
  put(id, 'needed', needed)
  put(id, 'incident', incident)
  put(id, 'shown_in', shown_in(knob, incident))
  put(id, 'mark', redis.call('HGET', EPOCH, 'id') .. '.' .. random)
  put(id, 'state', 'PENDING')
  put(id, 'created_at', at)
  put(id, 'expires_at', expires_at)
  if acts_ms ~= '' then
    put(id, 'acts_at', acts_at)
    redis.call('ZADD', COUNTDOWNS, digits(now + tonumber(acts_ms)), id)
  end
  redis.call('ZADD', DEADLINES, digits(now + tonumber(expires_ms)), id)
  redis.call('ZADD', ORDER, number, id)
  redis.call('ZADD', UNFINISHED, number, id)
  redis.call('HSET', OPEN, knob, id)
  redis.call('SET', DEDUPE, id, 'PX', request_ms)
  audit(at, 'proposed', id, actor, 'PENDING', draft)
  touch(id)

  -- The oldest closed ones give way, a few at a time, so that memory stays bounded; the audit still tells of them.
  local excess = redis.call('ZCARD', ORDER) - tonumber(keep)
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
  return id
end

