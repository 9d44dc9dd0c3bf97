-- Alerts, oldest first.
-- ARGV    3 'open', or an incident
-- Reply   OK { alert, … } notes or '' taken or '' pager or '' mentions or '' label or ''
local found = {}
if ARGV[3] == 'open' then
  for _, id in ipairs(redis.call('ZRANGE', ALERTS_OPEN, 0, -1)) do
    found[#found + 1] = redis.call('HGET', ALERTS, 'alert/' .. id)
  end
  return { 'OK', NOW, found, '', '', '', '', '' }
end
-- Its own alert opened first, or close to the others: they stand together.
for _, id in ipairs(redis.call('ZRANGE', ALERT_ORDER, 0, -1)) do
  local alert = redis.call('HGET', ALERTS, 'alert/' .. id)
  if alert and cjson.decode(alert).incident == ARGV[3] then found[#found + 1] = alert end
end
local function known(what) return redis.call('HGET', ALERTS, what .. '/' .. ARGV[3]) or '' end
return { 'OK', NOW, found, known('notes'), known('taken'), known('pager'), known('mentions'), known('label') }
