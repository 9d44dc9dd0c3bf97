-- Incidents with a page that are open, or whose pager has not heard that they are over; oldest first.
-- Reply   OK { incident, { alert, … }, taken or '', mentions or '', pager or '', notes or '' } …
local order, alerts, is_page, is_open = {}, {}, {}, {}
for _, id in ipairs(redis.call('ZRANGE', ALERT_ORDER, 0, -1)) do
  local alert = redis.call('HGET', ALERTS, 'alert/' .. id)
  local stored = alert and cjson.decode(alert)
  if stored then
    local incident = stored.incident
    if not alerts[incident] then
      alerts[incident] = {}
      order[#order + 1] = incident
    end
    table.insert(alerts[incident], alert)
    if stored.alert.severity == 'page' then is_page[incident] = true end
    if redis.call('ZSCORE', ALERTS_OPEN, id) then is_open[incident] = true end
  end
end
local found = { 'OK', NOW }
for _, incident in ipairs(order) do
  local pager = redis.call('HGET', ALERTS, 'pager/' .. incident) or ''
  local step = pager ~= '' and cjson.decode(pager).step or cjson.null
  local is_settled = step == cjson.null or step == 'resolve'
  if is_page[incident] and (is_open[incident] or not is_settled) then
    found[#found + 1] = {
      incident, alerts[incident], redis.call('HGET', ALERTS, 'taken/' .. incident) or '',
      redis.call('HGET', ALERTS, 'mentions/' .. incident) or '', pager,
      redis.call('HGET', ALERTS, 'notes/' .. incident) or '',
    }
  end
end
return found
