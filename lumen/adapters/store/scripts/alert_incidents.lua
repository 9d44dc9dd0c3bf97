-- Incidents, the newest first.
-- ARGV    3 how many at most
-- Reply   OK incident …
local found, seen = { 'OK', NOW }, {}
for _, id in ipairs(redis.call('ZREVRANGE', ALERT_ORDER, 0, -1)) do
  if #found == 2 + tonumber(ARGV[3]) then break end
  local alert = redis.call('HGET', ALERTS, 'alert/' .. id)
  local incident = alert and cjson.decode(alert).incident
  if incident and not seen[incident] then
    seen[incident] = true
    found[#found + 1] = incident
  end
end
return found
