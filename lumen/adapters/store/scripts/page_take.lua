-- Somebody says that they are on it. The first one holds.
-- ARGV    3 incident, 4 taken, 5 at, 6 actor
-- Reply   OK won|taken|over taken or ''
local known = redis.call('HGET', ALERTS, 'taken/' .. ARGV[3])
if known then return { 'OK', NOW, 'taken', known } end
if not is_open_incident(ARGV[3]) then return { 'OK', NOW, 'over', '' } end
redis.call('HSET', ALERTS, 'taken/' .. ARGV[3], ARGV[4])
audit(ARGV[5], 'taken', '', ARGV[6], ARGV[3], ARGV[4])
mark('alert/' .. ARGV[3])
return { 'OK', NOW, 'won', ARGV[4] }
