-- An incident that somebody is on is handed over, or given back. The newest word holds.
-- ARGV    3 incident, 4 who is on it from now on or '', 5 at, 6 actor
-- Reply   OK done|nobody|over
if not is_open_incident(ARGV[3]) then return { 'OK', NOW, 'over' } end
if redis.call('HEXISTS', ALERTS, 'taken/' .. ARGV[3]) == 0 then return { 'OK', NOW, 'nobody' } end
if ARGV[4] == '' then
  redis.call('HDEL', ALERTS, 'taken/' .. ARGV[3])
else
  redis.call('HSET', ALERTS, 'taken/' .. ARGV[3], ARGV[4])
end
audit(ARGV[5], ARGV[4] == '' and 'given-back' or 'handed-over', '', ARGV[6], ARGV[3], ARGV[4])
mark('alert/' .. ARGV[3])
return { 'OK', NOW, 'done' }
