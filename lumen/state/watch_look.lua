-- One look of the watch: new slices, and the alerts that changed with them.
-- ARGV    3 lease, 4 its token, 5 the newest slice as the caller knows it or '', 6 how many slices to keep,
--         7 how many alerts to keep, 8 at, 9 how many slices follow; after them for each alert: id, alert,
--         opened at in milliseconds, 'open' or 'closed', incident, event, detail
-- Reply   OK | LEASE_LOST | MOVED
if not holds(ARGV[3], ARGV[4]) then return { 'LEASE_LOST', NOW } end
if (redis.call('HGET', STANDING, 'newest slice') or '') ~= ARGV[5] then return { 'MOVED', NOW } end

local slices = tonumber(ARGV[9])
for at = 10, 9 + 2 * slices, 2 do redis.call('RPUSH', OBSERVATIONS, ARGV[at + 1]) end
if slices > 0 then
  redis.call('HSET', STANDING, 'newest slice', ARGV[8 + 2 * slices])
  redis.call('LTRIM', OBSERVATIONS, -tonumber(ARGV[6]), -1)
end

for at = 10 + 2 * slices, #ARGV, 7 do
  local id, alert, opened, state, incident, event, detail = unpack(ARGV, at, at + 6)
  redis.call('HSET', ALERTS, 'alert/' .. id, alert)
  redis.call('ZADD', ALERT_ORDER, opened, id)
  if state == 'open' then
    redis.call('ZADD', ALERTS_OPEN, opened, id)
  else
    redis.call('ZREM', ALERTS_OPEN, id)
  end
  audit(ARGV[8], event, '', 'lumen', detail, alert)
  mark('alert/' .. incident)
end

-- The oldest closed ones give way; the audit still tells of them.
for _, old in ipairs(redis.call('ZRANGE', ALERT_ORDER, 0, -1 - tonumber(ARGV[7]))) do
  if not redis.call('ZSCORE', ALERTS_OPEN, old) then
    redis.call('HDEL', ALERTS, 'alert/' .. old, 'notes/' .. old)
    redis.call('ZREM', ALERT_ORDER, old)
  end
end
return { 'OK', NOW }
