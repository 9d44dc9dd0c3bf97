-- Somebody says that they are on it. The first one holds.
-- ARGV    3 incident, 4 taken, 5 at, 6 actor
-- Reply   OK won|taken|over taken or ''
local known = redis.call('HGET', ALERTS, 'taken/' .. ARGV[3])
if known then return { 'OK', NOW, 'taken', known } end
local is_open = false
for _, id in ipairs(redis.call('ZRANGE', ALERTS_OPEN, 0, -1)) do
  local alert = redis.call('HGET', ALERTS, 'alert/' .. id)
  if alert and cjson.decode(alert).incident == ARGV[3] then is_open = true end
end
if not is_open then return { 'OK', NOW, 'over', '' } end
redis.call('HSET', ALERTS, 'taken/' .. ARGV[3], ARGV[4])
audit(ARGV[5], 'taken', '', ARGV[6], ARGV[3], ARGV[4])
mark('alert/' .. ARGV[3])
return { 'OK', NOW, 'won', ARGV[4] }
