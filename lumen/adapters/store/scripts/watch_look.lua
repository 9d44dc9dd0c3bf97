-- One look of the watch: new slices, their sums by day, and the alerts that changed with them.
-- ARGV    3 lease, 4 its token, 5 the newest slice as the caller knows it or '', 6 how many slices to keep,
--         7 how many alerts to keep, 8 at, 9 how many slices follow, 10 how many days follow them, 11 the oldest day to
--         keep, 12 the names of a day's sums between commas, 13 how often slices were corrected as the caller knows it,
--         14 how many corrections follow the days, 15 how many slices keep their latencies; after the slices (start,
--         slice) for each day: date, sums; after them for each correction: place from the end, counted before the new
--         slices came, and the slice; after them for each alert: id, alert, opened at in milliseconds, 'open' or
--         'closed', incident, event, detail
-- Reply   OK | LEASE_LOST | MOVED
if not holds(ARGV[3], ARGV[4]) then return { 'LEASE_LOST', NOW } end
if (redis.call('HGET', STANDING, 'newest slice') or '') ~= ARGV[5] then return { 'MOVED', NOW } end

if (redis.call('HGET', STANDING, 'corrections') or '0') ~= ARGV[13] then return { 'MOVED', NOW } end

local slices, days, corrections, names = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[14]), {}
for name in string.gmatch(ARGV[12], '[^,]+') do names[#names + 1] = name end

local at = 16 + 2 * slices + days * (1 + #names)
for _ = 1, corrections do
  redis.call('LSET', OBSERVATIONS, ARGV[at], ARGV[at + 1])
  at = at + 2
end
if corrections > 0 then redis.call('HINCRBY', STANDING, 'corrections', 1) end
local alerts_from = at

at = 16
for _ = 1, slices do
  redis.call('RPUSH', OBSERVATIONS, ARGV[at + 1])
  at = at + 2
end
if slices > 0 then
  redis.call('HSET', STANDING, 'newest slice', ARGV[at - 2])
  redis.call('LTRIM', OBSERVATIONS, -tonumber(ARGV[6]), -1)
end
-- Latencies are the last of a slice's text; those that nothing corrects any more are in the sums of their day alone.
for nth = 1, slices do
  local place = -tonumber(ARGV[15]) - nth
  local text = redis.call('LINDEX', OBSERVATIONS, place)
  local from = text and string.find(text, ',"latency":', 1, true)
  if from then redis.call('LSET', OBSERVATIONS, place, string.sub(text, 1, from - 1) .. '}') end
end

for _ = 1, days do
  local is_new = redis.call('HEXISTS', DAYS, ARGV[at] .. '/' .. names[1]) == 0
  for nth, name in ipairs(names) do redis.call('HINCRBY', DAYS, ARGV[at] .. '/' .. name, ARGV[at + nth]) end
  at = at + 1 + #names
  if is_new then
    for _, field in ipairs(redis.call('HKEYS', DAYS)) do
      if field < ARGV[11] then redis.call('HDEL', DAYS, field) end
    end
  end
end

-- Figures of an open alert are new at each look: its message follows them, the audit does not.
local function only_figures_moved(before, after)
  if not before then return false end
  local was, is = cjson.decode(before), cjson.decode(after)
  return was.silenced == is.silenced and was.alert.severity == is.alert.severity
    and was.alert.closed_at == is.alert.closed_at
end

for first = alerts_from, #ARGV, 7 do
  local id, alert, opened, state, incident, event, detail = unpack(ARGV, first, first + 6)
  local is_known = only_figures_moved(redis.call('HGET', ALERTS, 'alert/' .. id), alert)
  redis.call('HSET', ALERTS, 'alert/' .. id, alert)
  redis.call('ZADD', ALERT_ORDER, opened, id)
  if state == 'open' then
    redis.call('ZADD', ALERTS_OPEN, opened, id)
  else
    redis.call('ZREM', ALERTS_OPEN, id)
  end
  if not is_known then audit(ARGV[8], event, '', 'lumen', detail, alert) end
  mark('alert/' .. incident)
end

-- The report says what is wrong now, too.
local report = redis.call('HGET', SLOTS, 'report surface')
if report and at <= #ARGV then mark('report/' .. report) end

-- The oldest closed ones give way; the audit still tells of them.
for _, old in ipairs(redis.call('ZRANGE', ALERT_ORDER, 0, -1 - tonumber(ARGV[7]))) do
  if not redis.call('ZSCORE', ALERTS_OPEN, old) then
    local kinds = { 'alert', 'notes', 'taken', 'mentions', 'pager', 'label', 'logged', 'revisions', 'passed' }
    for _, what in ipairs(kinds) do
      redis.call('HDEL', ALERTS, what .. '/' .. old)
    end
    redis.call('ZREM', ALERT_ORDER, old)
  end
end
return { 'OK', NOW }
