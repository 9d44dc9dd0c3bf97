-- Somebody says whether a closed incident was real. The newest word holds.
-- ARGV    3 incident, 4 label, 5 at, 6 actor
-- Reply   OK changed|again|gone
local alert = redis.call('HGET', ALERTS, 'alert/' .. ARGV[3])
if not alert then return { 'OK', NOW, 'gone' } end
local known = redis.call('HGET', ALERTS, 'label/' .. ARGV[3])
if known and cjson.decode(known).is_real == cjson.decode(ARGV[4]).is_real then return { 'OK', NOW, 'again' } end
redis.call('HSET', ALERTS, 'label/' .. ARGV[3], ARGV[4])
audit(ARGV[5], 'labelled', '', ARGV[6], ARGV[3], ARGV[4])
mark('alert/' .. ARGV[3])
return { 'OK', NOW, 'changed' }
