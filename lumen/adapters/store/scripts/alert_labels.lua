-- What people said of the incidents that are remembered, oldest first.
-- Reply   OK { label, … }
local found = {}
for _, id in ipairs(redis.call('ZRANGE', ALERT_ORDER, 0, -1)) do
  local label = redis.call('HGET', ALERTS, 'label/' .. id)
  if label then found[#found + 1] = label end
end
return { 'OK', NOW, found }
